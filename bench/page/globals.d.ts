/** Written in when the page is bundled: the commit that it was made from. */
declare const COMMIT: string;
