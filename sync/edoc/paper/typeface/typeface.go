// Package typeface holds the letters that all our papers are set in: subsets of
// Noto Sans with the Turkmen letters, Cyrillic and some signs (README.md says how
// they were cut, OFL.txt is their licence). The receipt printer's pictures and
// the A4 copies take them from here, so that there is one copy of them.
package typeface

import _ "embed" // the fonts

// Regular is for text, as a TrueType file.
//
//go:embed NotoSans-Regular.ttf
var Regular []byte

// Bold is for headings and values.
//
//go:embed NotoSans-Bold.ttf
var Bold []byte

// Mono is for codes that people type.
//
//go:embed NotoSansMono-Bold.ttf
var Mono []byte
