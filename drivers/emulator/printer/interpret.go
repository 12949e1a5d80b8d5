package printer

import (
	"errors"
	"fmt"
)

// interpreter executes commands in their order.
type interpreter struct {
	*session
	m mechanism
	t text

	kept  *picture // by GS ( L
	strip [][]byte // by ESC *

	module int // of GS ( k
	level  byte
	data   []byte

	id     [4]byte // of the job of GS G
	spoilt byte    // what went wrong in it
}

// interpret runs until the power goes.
func (s *session) interpret() {
	for {
		s.p.mu.Lock()
		s.seen = s.gen
		s.p.mu.Unlock()
		in := &interpreter{session: s}
		in.m = mechanism{s: s, in: in}
		in.reset()
		var err error
		for err == nil {
			err = in.command()
		}
		if !errors.Is(err, errCleared) {
			return
		}
	}
}

// reset is ESC @.
func (in *interpreter) reset() {
	in.t = newText(in.p.o)
	in.kept, in.strip, in.module, in.level, in.data = nil, nil, 3, 0, nil
}

func (in *interpreter) command() error {
	b, err := in.next()
	if err != nil {
		return err
	}
	switch b {
	case 0x0A:
		return in.newline()
	case 0x10:
		return in.dle()
	case 0x1B:
		return in.esc()
	case 0x1C:
		_, err := in.next() // FS . and FS &: Kanji mode, which there is none of
		return err
	case 0x1D:
		return in.gs()
	}
	if b >= 0x20 {
		return in.char(b)
	}
	return nil // NUL, CR and the like
}

// dle skips real-time commands: they were executed when they came.
func (in *interpreter) dle() error {
	b, err := in.next()
	if err != nil {
		return err
	}
	switch b {
	case 0x04, 0x05:
		_, err = in.next()
	case 0x14:
		var fn byte
		if fn, err = in.next(); err == nil {
			n := map[byte]int{1: 2, 2: 2, 3: 5, 7: 1, 8: 7}[fn]
			_, err = in.bytes(n)
		}
	}
	return err
}

// noteUnknown remembers a command that is not in the tables.
func (in *interpreter) noteUnknown(name string) {
	in.p.mu.Lock()
	defer in.p.mu.Unlock()
	if len(in.p.unknown) < 100 {
		in.p.unknown = append(in.p.unknown, name)
	}
}

func (in *interpreter) esc() error {
	c, err := in.next()
	if err != nil {
		return err
	}
	switch c {
	case '@':
		in.reset()
		return nil
	case '2':
		in.t.spacing = defaultSpacing
		return nil
	case 'i', 'm': // full and partial cut, where the paper is
		if in.p.o.Dialect != Epson {
			if err := in.flushLine(); err != nil {
				return err
			}
			return in.m.cut()
		}
	case 'v':
		if in.p.o.Dialect == Nippon {
			in.p.mu.Lock()
			job := in.job
			in.p.mu.Unlock()
			in.answer(true, in.seenState().one(job))
			return nil
		}
	}
	n, err := in.next()
	if err != nil {
		return err
	}
	switch c {
	case 't':
		in.t.setTable(n)
	case 'a':
		in.t.align = n % 3
		if n >= '0' {
			in.t.align = (n - '0') % 3
		}
	case 'E':
		in.t.bold = n&1 != 0
	case '!':
		in.t.bold = n&0x08 != 0
		in.t.high, in.t.wide = 1+int(n>>4&1), 1+int(n>>5&1)
	case '3':
		in.t.spacing = int(n)
	case '*':
		return in.column(n)
	case 'r':
		if in.p.o.Dialect == Nippon && in.p.o.Presenter {
			in.p.present(map[byte]move{0: eject, 1: retract}[n])
		}
	case 'd':
		if err := in.newline(); err != nil {
			return err
		}
		return in.m.feed(max(0, int(n)-1) * in.t.spacing)
	case 'J':
		if err := in.flushLine(); err != nil {
			return err
		}
		return in.m.feed(int(n))
	case 'M', 'R', '-', 'c', ' ', 'G', '{', 'T':
		if c == 'c' { // ESC c 3 n and its like
			_, err = in.next()
		}
		return err
	default:
		in.noteUnknown(fmt.Sprintf("ESC %q", c))
	}
	return nil
}

func (in *interpreter) gs() error {
	c, err := in.next()
	if err != nil {
		return err
	}
	switch c {
	case '(':
		return in.extended()
	case 'v':
		return in.raster()
	case '8':
		return in.long()
	}
	n, err := in.next()
	if err != nil {
		return err
	}
	switch c {
	case 'a':
		if in.p.o.Dialect != Custom {
			in.setASB(n != 0)
		}
	case 'r':
		if n == 1 || n == '1' {
			in.answer(false, sensors(in.seenState().paper))
		}
	case 'I':
		in.identify(n)
	case '!':
		in.t.wide, in.t.high = 1+int(n>>4&7), 1+int(n&7)
	case 'V':
		return in.cutCommand(n)
	case 0xE0:
		if in.p.o.Dialect == Custom {
			in.setASB(n != 0)
		}
	case 'e':
		if in.p.o.Dialect == Custom {
			return in.ejector(n)
		}
		in.noteUnknown("GS e")
	case 'G':
		if in.p.o.Dialect == Nippon {
			return in.bracket(n)
		}
		in.noteUnknown("GS G")
	case 'L', 'W', 'P':
		_, err = in.next()
		return err
	case 'B', 'b', 'H', 'h', 'w', 'f':
	default:
		in.noteUnknown(fmt.Sprintf("GS %q", c))
	}
	return nil
}

// identify is GS I.
func (in *interpreter) identify(n byte) {
	switch n {
	case 66:
		in.answer(true, append([]byte("_"+in.p.o.Maker), 0)...)
	case 67:
		in.answer(true, append([]byte("_"+in.p.o.Model), 0)...)
	default:
		in.answer(true, 0x02)
	}
}

// cutCommand is GS V: 0, 1 cut here; 65, 66 n feed to the cutter and n more.
func (in *interpreter) cutCommand(m byte) error {
	if err := in.flushLine(); err != nil {
		return err
	}
	if m == 65 || m == 66 {
		n, err := in.next()
		if err != nil {
			return err
		}
		if err := in.m.feed(toCutter + int(n)); err != nil {
			return err
		}
	}
	return in.m.cut()
}

// extended is GS ( fn pL pH and the rest.
func (in *interpreter) extended() error {
	h, err := in.bytes(3)
	if err != nil {
		return err
	}
	d, err := in.bytes(int(h[1]) | int(h[2])<<8)
	if err != nil {
		return err
	}
	switch {
	case h[0] == 'H' && len(d) == 6 && d[0] == 0x30 && d[1] == 0x30 && !in.p.o.NoProcessID:
		id := d[2:]
		in.p.mu.Lock()
		if in.p.lie == WrongID {
			id = []byte{'0', '0', '0', '0'}
		}
		in.p.mu.Unlock()
		in.answer(false, append(append([]byte{0x37, 0x22}, id...), 0)...)
	case h[0] == 'H' && in.p.o.NoProcessID, h[0] == 'D':
	case h[0] == 'L' && !in.p.o.NoGraphics:
		return in.graphics(d)
	case h[0] == 'k' && !in.p.o.NoQR && len(d) >= 3:
		return in.symbol(d)
	default:
		in.noteUnknown(fmt.Sprintf("GS ( %q", h[0]))
	}
	return nil
}
