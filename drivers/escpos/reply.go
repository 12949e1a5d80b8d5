package escpos

import "github.com/penjire/penjire/drivers/device"

// replyKind is what a printer sent.
type replyKind int

const (
	realTime  replyKind = 1 // to DLE EOT: one byte
	sensor    replyKind = 2 // to GS r: one byte
	statusASB replyKind = 3 // by itself, after GS a: four bytes
	processID replyKind = 4 // to GS ( H: four bytes
	cleared   replyKind = 5 // to DLE DC4 8: none
	text      replyKind = 6 // to GS I: a name
)

// reply is one answer. Answers of different kinds interleave; their fixed bits
// tell them apart.
type reply struct {
	kind replyKind
	data []byte
}

// maxText bounds a GS I answer.
const maxText = 80

// parser takes the bytes from a printer apart. What fits nothing is dropped.
// The zero parser is ready.
type parser struct {
	kind replyKind // under way, 0 if none
	want int       // bytes still missing; text ends by its NUL
	data []byte
}

// push takes one byte and returns a reply if it completes one.
func (p *parser) push(b byte) (reply, bool) {
	if p.kind != 0 {
		return p.more(b)
	}
	switch {
	case b&0x93 == 0x12:
		return reply{realTime, []byte{b}}, true
	case b&0x93 == 0x10:
		p.begin(statusASB, 3, b)
	case b == 0x37:
		p.begin(processID, -1) // or cleared: the next byte says
	case b == '_':
		p.begin(text, maxText)
	case b&0x90 == 0x00:
		return reply{sensor, []byte{b}}, true
	}
	return reply{}, false
}

func (p *parser) begin(k replyKind, want int, first ...byte) {
	p.kind, p.want, p.data = k, want, append([]byte(nil), first...)
}

func (p *parser) more(b byte) (reply, bool) {
	switch {
	case p.want < 0 && b == 0x22:
		p.want = 5
		return reply{}, false
	case p.want < 0 && b == 0x25:
		p.kind, p.want = cleared, 1
		return reply{}, false
	case p.want < 0:
		p.kind = 0
		return p.push(b) // it was no header after all
	case p.kind == statusASB && b&0x90 != 0:
		p.kind = 0
		return p.push(b) // the rest of that status was lost
	case p.kind == text && b == 0:
		p.want = 1
	default:
		p.data = append(p.data, b)
	}
	if p.want--; p.want > 0 {
		return reply{}, false
	}
	r := reply{p.kind, p.data}
	p.kind, p.data = 0, nil
	// The number of a job and the end of a clearing are closed by a NUL.
	switch r.kind {
	case processID:
		if len(r.data) != 5 || r.data[4] != 0 {
			return reply{}, false
		}
		r.data = r.data[:4]
	case cleared:
		if r.data[0] != 0 {
			return reply{}, false
		}
		r.data = nil
	}
	return r, true
}

// status is what the sensors say.
type status struct {
	offline bool
	cover   bool // open
	end     bool // no paper
	low     bool // little paper
	jam     bool // cutter or mechanism; a person can mend it
	fatal   bool // nobody but a technician can
}

// fromASB reads the four bytes of status back.
func fromASB(b []byte) status {
	return status{
		offline: b[0]&0x08 != 0, cover: b[0]&0x20 != 0,
		jam: b[1]&0x0C != 0, fatal: b[1]&0x20 != 0,
		low: b[2]&0x03 != 0, end: b[2]&0x0C != 0,
	}
}

// fromRealTime reads the answers to DLE EOT 1 to 4.
func fromRealTime(b [4]byte) status {
	return status{
		offline: b[0]&0x08 != 0,
		cover:   b[1]&0x04 != 0,
		jam:     b[2]&0x0C != 0, fatal: b[2]&0x20 != 0,
		low: b[3]&0x0C != 0, end: b[3]&0x60 != 0 || b[1]&0x20 != 0,
	}
}

// problem returns why s does not let anything be printed, nil if it does.
func (s status) problem() error {
	switch {
	case s.fatal:
		return errFatal
	case s.cover:
		return device.ErrCoverOpen
	case s.jam:
		return device.ErrPaperJam
	case s.end:
		return device.ErrNoPaper
	case s.offline:
		return errOffline
	}
	return nil
}

func (s status) media() device.Media {
	m := device.Media{Paper: device.PaperFull, Cover: device.CoverClosed}
	switch {
	case s.jam:
		m.Paper = device.PaperJammed
	case s.end:
		m.Paper = device.PaperOut
	case s.low:
		m.Paper = device.PaperLow
	}
	if s.cover {
		m.Cover = device.CoverOpen
	}
	return m
}

func (s status) health() device.Health {
	switch {
	case s.fatal:
		return device.HardwareError
	case s.cover, s.end, s.jam:
		return device.UserError
	case s.offline:
		return device.Offline
	}
	return device.Online
}
