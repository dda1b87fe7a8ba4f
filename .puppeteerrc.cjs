// No browser is downloaded at install: an installed Chrome or Chromium serves, and cli/chrome.ts finds or installs one.
module.exports = { skipDownload: true };
