package escpos

import (
	"bytes"
	"testing"

	"github.com/penjire/penjire/drivers/device"
)

// TestDialectReplies: the answers of the other makers, mixed, are told apart.
func TestDialectReplies(t *testing.T) {
	for name, v := range map[string]struct {
		status Status
		in     string
		want   []reply
	}{
		"Custom's FULL status":             {StatusCustom, "\x10\x0F\x24\x00\x00\x00", []reply{{full, []byte{0x24, 0, 0, 0}}}},
		"FULL status, sensor":              {StatusCustom, "\x10\x0F\x00\x02\x01\x00\x03", []reply{{full, []byte{0, 2, 1, 0}}, {sensor, []byte{3}}}},
		"FULL status holds any byte":       {StatusCustom, "\x10\x0F\x10\x0F\x12\x10\x0C", []reply{{full, []byte{0x10, 0x0F, 0x12, 0x10}}, {sensor, []byte{0x0C}}}},
		"print status":                     {StatusCustom, "\x32", []reply{{realTime, []byte{0x32}}}},
		"a header that was lost":           {StatusCustom, "\x10\x12\x00", []reply{{realTime, []byte{0x12}}, {sensor, []byte{0}}}},
		"Nippon's status":                  {StatusNippon, "\x00\x41\x12\x7F", []reply{{single, []byte{0}}, {single, []byte{0x41}}, {single, []byte{0x12}}, {single, []byte{0x7F}}}},
		"the end of a job":                 {StatusNippon, "\xFF\x13AbCd\x00\x00\x00\x00\x40", []reply{{jobEnd, []byte("AbCd\x00")}, {single, []byte{0x40}}}},
		"the end of a job, and what it is": {StatusNippon, "\x80\xFF\x13AbCd\x04\xFF\xFF\xFF", []reply{{single, []byte{0x80}}, {jobEnd, []byte("AbCd\x04")}}},
		"a lonely FF":                      {StatusNippon, "\xFF\x00", []reply{{single, []byte{0}}}},
	} {
		p := parser{status: v.status}
		var got []reply
		for _, b := range []byte(v.in) {
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

// TestDialectBits are the bits of Custom's FULL status (KPM210/216 user manual,
// 3-9; KPM150H command reference, page 10) and of Nippon's ESC v (NP-266/366
// specifications, 32).
func TestDialectBits(t *testing.T) {
	with := func(f func(m *device.Media)) device.Media {
		m := device.Media{Paper: device.PaperFull, Cover: device.CoverClosed, Exit: device.ExitNotPresent, Bin: device.BinUnknown}
		if f != nil {
			f(&m)
		}
		return m
	}
	p := &Presenter{Eject: Bytes{1}, Retract: Bytes{2}}
	for name, v := range map[string]struct {
		s      status
		media  device.Media
		health device.Health
		begins bool // a job may begin
		goesOn bool // a job under way goes on
	}{
		"Custom, fine":          {fromFull([]byte{0, 0, 0, 0}), with(nil), device.Online, true, true},
		"Custom, low":           {fromFull([]byte{0x04, 0, 0, 0}), with(func(m *device.Media) { m.Paper = device.PaperLow }), device.Online, true, true},
		"Custom, virtual end":   {fromFull([]byte{0x40, 0, 0, 0}), with(func(m *device.Media) { m.Paper = device.PaperLow }), device.Online, true, true},
		"Custom, out":           {fromFull([]byte{0x05, 0, 0, 0}), with(func(m *device.Media) { m.Paper = device.PaperOut }), device.UserError, false, false},
		"Custom, ticket":        {fromFull([]byte{0x20, 0, 0, 0}), with(func(m *device.Media) { m.Exit = device.ExitEntering }), device.Online, true, true},
		"Custom, cover":         {fromFull([]byte{0, 0x02, 0, 0}), with(func(m *device.Media) { m.Cover = device.CoverOpen }), device.UserError, false, false},
		"Custom, head up":       {fromFull([]byte{0, 0x01, 0, 0}), with(func(m *device.Media) { m.Cover = device.CoverOpen }), device.UserError, false, false},
		"Custom, motor and key": {fromFull([]byte{0, 0x68, 0, 0}), with(nil), device.Online, true, true},
		"Custom, hot":           {fromFull([]byte{0, 0, 0x01, 0}), with(func(m *device.Media) { m.Hot = true }), device.Busy, false, true},
		"Custom, no power":      {fromFull([]byte{0, 0, 0x08, 0}), with(nil), device.Offline, false, false},
		"Custom, jam":           {fromFull([]byte{0, 0, 0x40, 0}), with(func(m *device.Media) { m.Paper = device.PaperJammed }), device.UserError, false, false},
		"Custom, cutter":        {fromFull([]byte{0, 0, 0, 0x01}), with(func(m *device.Media) { m.Paper = device.PaperJammed }), device.UserError, false, false},
		"Custom, memory":        {fromFull([]byte{0, 0, 0, 0x04}), with(nil), device.HardwareError, false, false},
		"Nippon, fine":          {fromSingle(0x80), with(nil), device.Online, true, true},
		"Nippon, low":           {fromSingle(0x01), with(func(m *device.Media) { m.Paper = device.PaperLow }), device.Online, true, true},
		"Nippon, platen open":   {fromSingle(0x02), with(func(m *device.Media) { m.Cover = device.CoverOpen }), device.UserError, false, false},
		"Nippon, out":           {fromSingle(0x05), with(func(m *device.Media) { m.Paper = device.PaperOut }), device.UserError, false, false},
		"Nippon, hot":           {fromSingle(0x08), with(func(m *device.Media) { m.Hot = true }), device.Busy, false, true},
		"Nippon, cutter":        {fromSingle(0x10), with(func(m *device.Media) { m.Paper = device.PaperJammed }), device.UserError, false, false},
		"Nippon, presenter": {fromSingle(0x20), with(func(m *device.Media) {
			m.Paper, m.Exit = device.PaperJammed, device.ExitJammed
		}), device.UserError, false, false},
		"Nippon, ticket":                     {fromSingle(0x40), with(func(m *device.Media) { m.Exit = device.ExitEntering }), device.Online, true, true},
		"Epson, hot":                         {fromRealTime([4]byte{0x1A, 0x52, 0x52, 0x12}), with(func(m *device.Media) { m.Hot = true }), device.Busy, false, true},
		"Epson, hot, by itself":              {fromASB([]byte{0x18, 0x40, 0, 0}), with(func(m *device.Media) { m.Hot = true }), device.Busy, false, true},
		"Epson, the cover passes for an end": {fromASB([]byte{0x38, 0x40, 0, 0}), with(func(m *device.Media) { m.Cover = device.CoverOpen }), device.UserError, false, false},
	} {
		if m, h := v.s.media(p), v.s.health(); m != v.media || h != v.health {
			t.Errorf("%s: got %+v, %v, want %+v, %v", name, m, h, v.media, v.health)
		}
		if b, g := v.s.refuses() == nil, v.s.problem() == nil; b != v.begins || g != v.goesOn {
			t.Errorf("%s: begins %v, goes on %v, want %v, %v", name, b, g, v.begins, v.goesOn)
		}
	}
	if m := fromSingle(0x40).media(nil); m.Exit != "" || m.Bin != "" {
		t.Errorf("a printer without a presenter: got %+v, want nothing of its output", m)
	}
}

func FuzzDialects(f *testing.F) {
	for _, s := range []string{"\x10\x0F\x24\x00\x00\x00", "\xFF\x13AbCd\x00\x00\x00\x00", "\x10\x10\x0F\xFF\xFF\x13", "\x40\x12\x0C"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, status := range []Status{StatusCustom, StatusNippon} {
			p := parser{status: status}
			for _, x := range b {
				r, ok := p.push(x)
				if ok && r.kind == dialects[status].kind {
					_ = dialects[status].read([][]byte{r.data}).refuses()
				}
			}
			if len(p.data) > maxText {
				t.Errorf("%s: parser holds %d bytes, want at most %d", status, len(p.data), maxText)
			}
			understood := false
			for range maxText + 8 {
				if r, ok := p.push(0x12); ok && (r.kind == realTime || r.kind == single) {
					understood = true
					break
				}
			}
			if !understood {
				t.Errorf("%s: after % X no answer is understood any more", status, b)
			}
		}
	})
}
