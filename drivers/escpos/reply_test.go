package escpos

import (
	"bytes"
	"image"
	"image/color"
	"testing"
	"testing/synctest"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link/linktest"
)

// TestReplies: answers of all kinds, mixed and cut, are told apart.
func TestReplies(t *testing.T) {
	for name, v := range map[string]struct {
		in   []byte
		want []reply
	}{
		"online":               {[]byte{0x12}, []reply{{realTime, []byte{0x12}}}},
		"paper end, real time": {[]byte{0x72}, []reply{{realTime, []byte{0x72}}}},
		"sensor":               {[]byte{0x0C}, []reply{{sensor, []byte{0x0C}}}},
		"status back":          {[]byte{0x38, 0, 0x0F, 0}, []reply{{statusASB, []byte{0x38, 0, 0x0F, 0}}}},
		"process id":           {[]byte{0x37, 0x22, 'A', 'b', 'C', 'd', 0}, []reply{{processID, []byte("AbCd")}}},
		"cleared":              {[]byte{0x37, 0x25, 0}, []reply{{cleared, nil}}},
		"name":                 {[]byte("_EPSON\x00"), []reply{{text, []byte("EPSON")}}},
		"status inside status": {[]byte{0x10, 0, 0x10, 0, 3, 0}, []reply{{statusASB, []byte{0x10, 0, 3, 0}}}},
		"real time cuts status": {
			[]byte{0x10, 0, 0x12, 0x12},
			[]reply{{realTime, []byte{0x12}}, {realTime, []byte{0x12}}},
		},
		"header that is none": {[]byte{0x37, 0x12}, []reply{{realTime, []byte{0x12}}}},
		"id without an end":   {[]byte{0x37, 0x22, 1, 2, 3, 4, 5, 0x12}, []reply{{realTime, []byte{0x12}}}},
		"noise":               {[]byte{0xFF, 0x80, 0x91, 0x12}, []reply{{realTime, []byte{0x12}}}},
	} {
		var p parser
		var got []reply
		for _, b := range v.in {
			if r, ok := p.push(b); ok {
				got = append(got, r)
			}
		}
		if len(got) != len(v.want) {
			t.Errorf("%s: got %v, want %v", name, got, v.want)
			continue
		}
		for i := range got {
			if got[i].kind != v.want[i].kind || !bytes.Equal(got[i].data, v.want[i].data) {
				t.Errorf("%s: got %v, want %v", name, got, v.want)
			}
		}
	}
}

// TestStatusBits are the masks of the reference, as receiptio reads them.
func TestStatusBits(t *testing.T) {
	for name, v := range map[string]struct {
		real   [4]byte
		asb    []byte
		media  device.Media
		health device.Health
	}{
		"fine":  {[4]byte{0x12, 0x12, 0x12, 0x12}, []byte{0x10, 0, 0, 0}, device.Media{Paper: device.PaperFull, Cover: device.CoverClosed}, device.Online},
		"low":   {[4]byte{0x12, 0x12, 0x12, 0x1E}, []byte{0x10, 0, 3, 0}, device.Media{Paper: device.PaperLow, Cover: device.CoverClosed}, device.Online},
		"out":   {[4]byte{0x1A, 0x32, 0x12, 0x7E}, []byte{0x18, 0, 0x0F, 0}, device.Media{Paper: device.PaperOut, Cover: device.CoverClosed}, device.UserError},
		"cover": {[4]byte{0x1A, 0x16, 0x12, 0x12}, []byte{0x38, 0, 0, 0}, device.Media{Paper: device.PaperFull, Cover: device.CoverOpen}, device.UserError},
		"jam":   {[4]byte{0x1A, 0x52, 0x1A, 0x12}, []byte{0x18, 8, 0, 0}, device.Media{Paper: device.PaperJammed, Cover: device.CoverClosed}, device.UserError},
		"fatal": {[4]byte{0x1A, 0x52, 0x32, 0x12}, []byte{0x18, 0x20, 0, 0}, device.Media{Paper: device.PaperFull, Cover: device.CoverClosed}, device.HardwareError},
		"busy":  {[4]byte{0x1A, 0x12, 0x12, 0x12}, []byte{0x18, 0, 0, 0}, device.Media{Paper: device.PaperFull, Cover: device.CoverClosed}, device.Offline},
	} {
		for how, s := range map[string]status{"real time": fromRealTime(v.real), "status back": fromASB(v.asb)} {
			if s.media(nil) != v.media || s.health() != v.health || (s.problem() == nil) != (v.health == device.Online) {
				t.Errorf("%s, %s: got %v, %v, %v, want %v, %v", name, how, s.media(nil), s.health(), s.problem(), v.media, v.health)
			}
		}
	}
}

func FuzzReplies(f *testing.F) {
	for _, s := range []string{"\x12\x12\x12\x12", "\x10\x00\x00\x00", "\x37\x22AbCd\x00", "\x37\x25\x00", "_TM-T20III\x00", "\x0c", "\x37\x37\x37"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p parser
		for _, x := range b {
			r, ok := p.push(x)
			if !ok {
				continue
			}
			if r.kind == statusASB {
				_ = fromASB(r.data).problem()
			}
		}
		if len(p.data) > maxText {
			t.Errorf("parser holds %d bytes, want at most %d", len(p.data), maxText)
		}
		// Whatever came, the next answers are understood before long.
		for range maxText + 8 {
			if r, ok := p.push(0x12); ok && r.kind == realTime {
				return
			}
		}
		t.Errorf("after % X no answer is understood any more", b)
	})
}

func TestPack(t *testing.T) {
	gray := image.NewGray(image.Rect(5, 5, 21, 7)) // a picture may begin anywhere
	for i := range gray.Pix {
		gray.Pix[i] = 0xFF
	}
	gray.SetGray(5, 5, color.Gray{0x7F})
	gray.SetGray(20, 6, color.Gray{0x00})
	gray.SetGray(6, 5, color.Gray{0x80}) // half is paper
	pal := image.NewPaletted(gray.Rect, color.Palette{color.White, color.Black, color.Transparent})
	pal.SetColorIndex(5, 5, 1)
	pal.SetColorIndex(20, 6, 1)
	pal.SetColorIndex(7, 5, 2)
	rgba := image.NewRGBA(gray.Rect)
	rgba.Set(5, 5, color.Black)
	rgba.Set(20, 6, color.RGBA{0, 0, 0x40, 0xFF})
	want := []byte{0x80, 0x00, 0x00, 0x01}
	for _, m := range []image.Image{gray, pal, rgba} {
		if got, rows, err := pack(m, 16); err != nil || rows != 2 || !bytes.Equal(got, want) {
			t.Errorf("pack(%T) = % X, %d, %v, want % X", m, got, rows, err, want)
		}
	}
}

// TestJob plays one job, byte for byte, as the reference wants it.
func TestJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p16, err := ProfileOf(Generic)
		if err != nil {
			t.Fatal(err)
		}
		p16.Dots = 16
		s := newSession(nil, p16, func() {})
		s.serial = 7
		s.hasID, s.ready = true, true
		io := []linktest.IO{
			{Note: "DLE EOT 1", W: []byte{0x10, 4, 1}, R: []byte{0x12}},
			{Note: "DLE EOT 2", W: []byte{0x10, 4, 2}, R: []byte{0x12}},
			{Note: "DLE EOT 3", W: []byte{0x10, 4, 3}, R: []byte{0x12}},
			{Note: "DLE EOT 4", W: []byte{0x10, 4, 4}, R: []byte{0x12}},
			{Note: "ESC @", W: []byte{0x1B, '@'}},
			{Note: "FS .", W: []byte{0x1C, '.'}},
			{Note: "GS ( D: no pulses", W: []byte{0x1D, '(', 'D', 5, 0, 20, 1, 0, 2, 0}},
			{Note: "GS a: status back", W: []byte{0x1D, 'a', 0xFF}, R: []byte{0x10, 0, 0, 0}},
			{Note: "GS v 0: 2 bytes, 1 row", W: []byte{0x1D, 'v', '0', 0, 2, 0, 1, 0, 0xA5, 0x5A}},
			{Note: "GS V 66 0", W: []byte{0x1D, 'V', 66, 0}},
			{Note: "GS ( H: job 8", W: []byte{0x1D, '(', 'H', 6, 0, 0x30, 0x30, 0x48, 0x40, 0x40, 0x40}},
			{Note: "GS r 1", W: []byte{0x1D, 'r', 1}, R: []byte{0x37, 0x22, 0x48, 0x40, 0x40, 0x40, 0, 0}},
		}
		p := linktest.Play(t, io...)
		s.line = p
		go s.read()
		defer func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			<-s.dead
		}()
		d := &Dev{p: p16, o: Opts{Confirm: 1}}
		j := job{d: d, s: s}
		j.bands(RasterGSv0, []byte{0xA5, 0x5A}, 2)
		if out, err := j.run(t.Context()); out != device.Printed || err != nil {
			t.Errorf("run = %v, %v, want Printed", out, err)
		}
	})
}
