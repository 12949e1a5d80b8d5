package escpos

import (
	"slices"

	"golang.org/x/text/encoding/charmap"
)

// pages are the code pages that have all letters of Turkmen or of Russian.
var pages = map[string]*charmap.Charmap{
	"cp852": charmap.CodePage852, "cp1250": charmap.Windows1250, "iso-8859-2": charmap.ISO8859_2,
	"cp866": charmap.CodePage866, "cp1251": charmap.Windows1251,
}

// preferred is the order in which a page is looked for.
var preferred = []string{"cp852", "cp1250", "iso-8859-2", "cp866", "cp1251"}

// encode returns text as bytes, with ESC t before the first letter of each page
// other than selected, and the page selected at its end. It reports false when
// a letter is in none of the printer's pages; then nothing is to be sent.
func (p Profile) encode(text string, selected string) (b []byte, now string, ok bool) {
	now = selected
	for _, r := range text {
		c, has := byteOf(now, r)
		if !has {
			i := slices.IndexFunc(preferred, func(name string) bool {
				if _, has := p.Pages[name]; !has {
					return false
				}
				c, has = byteOf(name, r)
				return has
			})
			if i < 0 {
				return nil, selected, false
			}
			now = preferred[i]
			b = append(b, 0x1B, 't', p.Pages[now])
		}
		b = append(b, c)
	}
	return b, now, true
}

// byteOf returns the byte for r in the page of that name.
func byteOf(name string, r rune) (byte, bool) {
	page, ok := pages[name]
	if !ok {
		return 0, false
	}
	c, ok := page.EncodeRune(r)
	// Below 0x20 are commands, and 0x7F is printed in many ways.
	return c, ok && c >= 0x20 && c != 0x7F
}
