package printer

// A printer with a presenter holds the paper it has cut, shows it at its mouth,
// and lets go of it: into a hand, onto the floor or into its bin.

// hold takes over the paper that was cut. p.mu is held.
func (p *Printer) hold(a *Paper) {
	if !p.o.Presenter || a == nil {
		return
	}
	// Nippon's shows it by itself; Custom's waits for GS e.
	p.exit, p.shown = a, p.o.Dialect == Nippon
}

// Take takes the paper out of the presenter's mouth, and reports whether there
// was one.
func (p *Printer) Take() bool {
	taken := false
	p.change(func() {
		if taken = p.shown; taken {
			p.exit, p.shown = nil, false
		}
	})
	return taken
}

// moves of the presenter.
type move int

const (
	show    move = 1 // to the mouth
	eject   move = 2 // out
	retract move = 3 // into the bin
)

// present moves the paper in the presenter. p.mu is not held.
func (p *Printer) present(m move) {
	p.change(func() {
		switch {
		case p.exit == nil:
		case m == show:
			p.shown = true
		case m == eject:
			p.exit, p.shown = nil, false
		case m == retract && p.o.Retracts:
			p.exit, p.shown = nil, false
			p.bin++
		}
	})
}

// ejector is GS e n of Custom's.
func (in *interpreter) ejector(n byte) error {
	switch n {
	case 2:
		in.p.present(retract)
	case 3:
		if _, err := in.next(); err != nil { // how many steps
			return err
		}
		in.p.present(show)
	case 5:
		in.p.present(eject)
	case 6:
		s := in.seenState()
		in.answer(true, bits(0, map[byte]bool{0x01: s.low(), 0x04: s.end(), 0x08: s.exit && s.shown, 0x40: s.jam, 0x80: s.jam}))
	default:
		in.noteUnknown("GS e " + string('0'+rune(n)))
	}
	return nil
}

// bracket is GS G n of Nippon's, the beginning and the end of a job.
func (in *interpreter) bracket(n byte) error {
	set := func(on bool) {
		in.p.mu.Lock()
		in.job = on
		in.p.mu.Unlock()
	}
	switch n {
	case 0x31:
		id, err := in.bytes(4)
		if err != nil {
			return err
		}
		in.id, in.spoilt = [4]byte(id), 0
		set(true)
	case 0x21:
		set(true)
	case 0x20:
		in.spoilt = 0
		set(false)
	case 0x30:
		result := in.spoilt
		in.spoilt = 0
		id := in.id
		in.p.mu.Lock()
		if in.p.lie == WrongID {
			id = [4]byte{'0', '0', '0', '0'}
		}
		if in.p.lie == AlwaysFine {
			result = 0
		}
		in.p.mu.Unlock()
		in.answer(false, 0xFF, 0x13, id[0], id[1], id[2], id[3], result, 0, 0, 0)
		set(false)
	default:
		in.noteUnknown("GS G")
	}
	return nil
}
