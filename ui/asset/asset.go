// Package asset holds the files that pages are drawn with. They are all our
// own but the fonts, and the kiosk, the portal's pages and the bench share them.
//
//	css/token.css   colours, type and --mm as custom properties; @font-face
//	css/app.css     the kiosk's pages
//	js/app.js       keyboard, idle warning, live state; pages work without it
//	svg/gol.svg     the medallion
//	svg/border.svg  the carpet border, a strip to repeat sideways
//	svg/icons.svg   the icons, one sprite: <use href="/asset/svg/icons.svg#printer"/>
//	font/noto-sans-400.woff2, font/noto-sans-700.woff2, font/noto-sans-mono-700.woff2
//
// The style sheets name the fonts as ../font/…, so whoever serves FS keeps its
// folders together under one path.
package asset

import "embed"

// FS holds the files that the package comment names.
//
//go:embed css js svg font
var FS embed.FS
