// The Hub's page sets up a loader of libraries, of which our pages load none.
var require = { config() {} };
