package sane

import (
	"bytes"
	"errors"
	"testing"

	"github.com/penjire/penjire/drivers/device"
)

// TestNumbers: values in the options' own form, and next to what was asked.
func TestNumbers(t *testing.T) {
	for name, v := range map[string]struct {
		o    option
		f    float64
		want []byte
	}{
		"whole":              {option{kind: typeInt}, 300, []byte{0, 0, 1, 0x2C}},
		"fixed":              {option{kind: typeFixed}, 210.5, []byte{0, 0xD2, 0x80, 0}},
		"minus":              {option{kind: typeFixed}, -0.5, []byte{0xFF, 0xFF, 0x80, 0}},
		"range, above":       {option{kind: typeInt, min: 50, max: 300, step: 50}, 1200, []byte{0, 0, 1, 0x2C}},
		"range, step":        {option{kind: typeInt, min: 50, max: 300, step: 50}, 180, []byte{0, 0, 0, 200}},
		"range, last step":   {option{kind: typeInt, min: 0, max: 95, step: 50}, 94, []byte{0, 0, 0, 50}},
		"list":               {option{kind: typeInt, words: []int{75, 150, 600}}, 300, []byte{0, 0, 0, 150}},
		"more than it holds": {option{kind: typeFixed}, 1e12, []byte{0x7F, 0xFF, 0xFF, 0xFF}},
	} {
		if got := v.o.number(v.f); !bytes.Equal(got, v.want) {
			t.Errorf("%s: number(%v) = % X, want % X", name, v.f, got, v.want)
		}
	}
	text := option{name: "mode", kind: typeString, size: 8, cap: capSoftSelect, texts: []string{"Color", "Gray"}}
	if b, err := text.encode("Gray"); err != nil || !bytes.Equal(b, []byte("Gray\x00\x00\x00\x00")) {
		t.Errorf("encode(Gray) = % X, %v", b, err)
	}
	if _, err := text.encode("Sepia"); err == nil {
		t.Error("encode(Sepia) = nil, want an error")
	}
	inactive := option{name: "x", kind: typeBool, cap: capSoftSelect | capInactive}
	if _, err := inactive.encode("true"); err == nil {
		t.Error("encode of an inactive option = nil, want an error")
	}
}

// TestDevelop: bits, words in both orders, and lines with something behind them.
func TestDevelop(t *testing.T) {
	for name, v := range map[string]struct {
		p      parameters
		pix    []byte
		little bool
		want   []byte // grey
	}{
		"bits":         {parameters{format: formatGray, stride: 2, width: 9, lines: 1, depth: 1}, []byte{0b10000001, 0b10000000}, false, []byte{0, 255, 255, 255, 255, 255, 255, 0, 0}},
		"padded lines": {parameters{format: formatGray, stride: 3, width: 2, lines: 2, depth: 8}, []byte{1, 2, 99, 3, 4, 99}, false, []byte{1, 2, 3, 4}},
		"big":          {parameters{format: formatGray, stride: 4, width: 2, lines: 1, depth: 16}, []byte{1, 9, 2, 9}, false, []byte{1, 2}},
		"little":       {parameters{format: formatGray, stride: 4, width: 2, lines: 1, depth: 16}, []byte{9, 1, 9, 2}, true, []byte{1, 2}},
	} {
		m, err := v.p.develop(v.pix, v.little)
		if err != nil {
			t.Errorf("%s: develop = %v", name, err)
			continue
		}
		var got []byte
		for y := range m.Bounds().Dy() {
			for x := range m.Bounds().Dx() {
				r, _, _, _ := m.At(x, y).RGBA()
				got = append(got, byte(r>>8))
			}
		}
		if !bytes.Equal(got, v.want) {
			t.Errorf("%s: got % X, want % X", name, got, v.want)
		}
	}
}

// FuzzAnswers reads anything as each kind of answer: no panic, no memory without
// end, and nothing good of what is cut short.
func FuzzAnswers(f *testing.F) {
	devices := new(request).word(0).word(2).word(0).text("test:0").text("Noname").text("frontend-tester").text("virtual device").word(1)
	f.Add(devices.b)
	option := new(request).word(1).word(0).text("resolution").text("Scan resolution").text("").word(typeFixed).word(4).word(4).word(5).word(constrainRange).word(0).word(1 << 16).word(1200 << 16).word(1 << 16)
	f.Add(option.b)
	parameters := new(request).word(0).word(1).word(1).word(12).word(4).word(2).word(8)
	f.Add(parameters.b)
	picture := new(request).word(4)
	picture.b = append(picture.b, 1, 2, 3, 4)
	picture.word(endOfData)
	f.Add(append(picture.b, byte(statusEOF)))
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func() *answer { return &answer{r: bytes.NewReader(b)} }
		a := read()
		if l := a.devices(); a.err == nil && len(l) > maxList {
			t.Errorf("devices: got %d", len(l))
		}
		a = read()
		for _, o := range a.options() {
			_, _ = o.encode("75") // it must only not panic
		}
		read().control()
		a = read()
		p := a.parameters()
		if !a.good() {
			p = parameters4
		}
		if p.stride > 1<<16 {
			return
		}
		pix, err := receive(bytes.NewReader(b), p, func() {})
		if err != nil {
			return
		}
		if m, err := p.develop(pix, false); err == nil && m.Bounds().Dx() != p.width {
			t.Errorf("develop: got %v, want a width of %d", m.Bounds(), p.width)
		} else if err != nil && !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("develop = %v", err)
		}
	})
}

// parameters4 are a picture's of lines of four grey dots.
var parameters4 = parameters{format: formatGray, stride: 4, width: 4, lines: -1, depth: 8, last: true}
