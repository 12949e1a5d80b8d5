package fonta

import (
	"strings"
	"testing"
)

// TestAlphabets: every letter that a Turkmen or Russian receipt needs has a
// shape of its own, in its cell, and bold differs.
func TestAlphabets(t *testing.T) {
	const all = "AÄBÇDEFGHIJŽKLMNŇOÖPRSŞTUÜWYÝZaäbçdefghijžklmnňoöprsştuüwyýz" +
		"ЁАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюяё0123456789№«»—“”.,:;!?()/%+-"
	seen := map[cell]rune{}
	for _, r := range all {
		if !Has(r) {
			t.Errorf("Has(%q) = false, want true", r)
		}
		c := cellOf(r, false)
		// Latin and Cyrillic share some shapes; nothing else does.
		if o, ok := seen[c]; ok && o != r && !strings.ContainsRune("АаВЕеКМНОоРрСсТуХхЁ", r) {
			t.Errorf("%q looks like %q", r, o)
		}
		seen[c] = r
		if c == (cell{}) || c == cellOf(r, true) && r != '—' { // it is as wide as its cell
			t.Errorf("%q: got no ink, or bold the same, want a letter", r)
		}
	}
	for _, r := range []rune{'漢', 0, '\n', 0x10FFFF} {
		if Has(r) || cellOf(r, false) != (cell{}) {
			t.Errorf("Has(%q) = true, want false", r)
		}
	}
}

// TestPaint: letters begin at x, stand on the last row, and stay in the picture.
func TestPaint(t *testing.T) {
	line := []Letter{{'H', false, 1, 1}, {'H', false, 2, 2}}
	if w, h := Measure(line); w != 36 || h != 48 {
		t.Errorf("Measure = %d, %d, want 36, 48", w, h)
	}
	const stride = 8
	bits := make([]byte, stride*48)
	Paint(bits, stride, 8, line)
	ink := func(x, y int) bool { return bits[y*stride+x/8]&(0x80>>(x%8)) != 0 }
	for y := range Height {
		for x := range Width {
			if ink(8+x, y) {
				t.Fatalf("ink above a letter of single height at %d, %d", x, y)
			}
			for _, d := range [][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
				if ink(8+x, 24+y) != ink(20+2*x+d[0], 2*y+d[1]) {
					t.Fatalf("dot %d, %d of the double letter differs from the single one", x, y)
				}
			}
		}
	}
	Paint(make([]byte, stride*10), stride, -5, []Letter{{'W', true, 3, 3}, {'W', true, 3, 3}, {'W', true, 3, 3}})
}
