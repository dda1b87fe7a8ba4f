// No browser is downloaded at install: an installed Chrome or Chromium serves, and scripts/browser.mjs finds or installs one.
module.exports = { skipDownload: true };
