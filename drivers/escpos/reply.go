package escpos

// replyKind is what a printer sent.
type replyKind int

const (
	realTime  replyKind = 1 // to DLE EOT: one byte
	sensor    replyKind = 2 // to GS r: one byte
	statusASB replyKind = 3 // by itself, after GS a: four bytes
	processID replyKind = 4 // to GS ( H: four bytes
	cleared   replyKind = 5 // to DLE DC4 8: none
	text      replyKind = 6 // to GS I: a name
	full      replyKind = 7 // to DLE EOT 20, and by itself after GS E0: four bytes
	single    replyKind = 8 // to ESC v: one byte
	jobEnd    replyKind = 9 // to GS G 30h: the job's number and its result, five bytes
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
// The zero parser is ready, for Epson's answers.
type parser struct {
	status Status
	kind   replyKind // under way, 0 if none
	want   int       // bytes still missing; text ends by its NUL
	data   []byte
}

// push takes one byte and returns a reply if it completes one.
func (p *parser) push(b byte) (reply, bool) {
	if p.kind != 0 {
		return p.more(b)
	}
	switch {
	case p.status == StatusNippon:
		return p.nippon(b)
	case p.status == StatusCustom && b == 0x10:
		p.begin(full, -1)
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
	case p.kind == full && p.want < 0 && b == 0x0F:
		p.want = 4
		return reply{}, false
	case p.kind == jobEnd && p.want < 0 && b == 0x13:
		p.want = 8
		return reply{}, false
	case p.kind != processID && p.want < 0:
		p.kind = 0
		return p.push(b) // it was no header after all
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
	case jobEnd:
		r.data = r.data[:5] // the rest is not used
	}
	return r, true
}

// nippon takes the first byte of an answer of Nippon's. A status of one byte
// has no fixed bits; only FF, which none can be, begins anything else.
func (p *parser) nippon(b byte) (reply, bool) {
	if b == 0xFF {
		p.begin(jobEnd, -1)
		return reply{}, false
	}
	return reply{single, []byte{b}}, true
}
