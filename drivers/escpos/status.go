package escpos

import (
	"errors"
	"fmt"

	"github.com/penjire/penjire/drivers/device"
)

// status is what the sensors say.
type status struct {
	offline bool
	cover   bool // open
	end     bool // no paper
	low     bool // little paper
	jam     bool // cutter, mechanism or presenter; a person can mend it
	fatal   bool // nobody but a technician can
	hot     bool // the head; it cools by itself, and printing goes on
	waiting bool // a paper stands in the output
	stuck   bool // in the presenter
}

// dialect is how a printer is asked for its status, and how it answers.
type dialect struct {
	on   []byte   // status back by itself
	off  []byte   // not by itself
	asks [][]byte // each is answered by one reply of kind
	kind replyKind
	read func(answers [][]byte) status
}

var dialects = map[Status]dialect{
	StatusEpson: {
		on:   []byte{0x1D, 'a', 0xFF},
		off:  []byte{0x1D, 'a', 0},
		asks: [][]byte{askStatus(1), askStatus(2), askStatus(3), askStatus(4)},
		kind: realTime,
		read: func(a [][]byte) status { return fromRealTime([4]byte{a[0][0], a[1][0], a[2][0], a[3][0]}) },
	},
	StatusCustom: {
		off:  []byte{0x1D, 0xE0, 0},
		asks: [][]byte{askStatus(20)},
		kind: full,
		read: func(a [][]byte) status { return fromFull(a[0]) },
	},
	StatusNippon: {
		asks: [][]byte{{0x1B, 'v'}}, // executed in its turn
		kind: single,
		read: func(a [][]byte) status { return fromSingle(a[0][0]) },
	},
}

// fromASB reads the four bytes of status back.
func fromASB(b []byte) status {
	s := status{
		offline: b[0]&0x08 != 0, cover: b[0]&0x20 != 0,
		jam: b[1]&0x0C != 0, fatal: b[1]&0x20 != 0,
		low: b[2]&0x03 != 0, end: b[2]&0x0C != 0,
	}
	s.hot = b[1]&0x40 != 0 && !s.cover
	return s
}

// fromRealTime reads the answers to DLE EOT 1 to 4. An error that passes by
// itself is a hot head, but with an open cover: then it is that.
func fromRealTime(b [4]byte) status {
	s := status{
		offline: b[0]&0x08 != 0,
		cover:   b[1]&0x04 != 0,
		jam:     b[2]&0x0C != 0, fatal: b[2]&0x20 != 0,
		low: b[3]&0x0C != 0, end: b[3]&0x60 != 0 || b[1]&0x20 != 0,
	}
	s.hot = b[2]&0x40 != 0 && !s.cover
	return s
}

// fromFull reads Custom's FULL status: paper, user, recoverable errors,
// unrecoverable errors. A cutter that is stuck is among the last, though a
// person can mend it.
func fromFull(b []byte) status {
	return status{
		end: b[0]&0x01 != 0, low: b[0]&0x44 != 0, waiting: b[0]&0x20 != 0,
		cover: b[1]&0x03 != 0,
		hot:   b[2]&0x01 != 0, offline: b[2]&0x08 != 0, // no power for the head
		jam:   b[2]&0x40 != 0 || b[3]&0x01 != 0,
		fatal: b[3]&^0x01 != 0,
	}
}

// fromSingle reads Nippon's status byte. Bit 7 only says that a job is under
// way.
func fromSingle(b byte) status {
	return status{
		low: b&0x01 != 0, cover: b&0x02 != 0, end: b&0x04 != 0, hot: b&0x08 != 0,
		jam: b&0x30 != 0, stuck: b&0x20 != 0, waiting: b&0x40 != 0,
	}
}

var (
	errFatal   = errors.New("printer reports an error it cannot recover from")
	errOffline = errors.New("printer is offline")
)

// problem returns why s ends a job that is being printed, nil if it does not.
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
	case s.offline && !s.hot:
		return errOffline
	}
	return nil
}

// refuses returns why s does not let a job begin, nil if it does.
func (s status) refuses() error {
	if err := s.problem(); err != nil || !s.hot {
		return err
	}
	return fmt.Errorf("print head: %w", device.ErrHot)
}

// paperTrouble reports whether err is something the printer said of itself.
func paperTrouble(err error) bool {
	for _, e := range []error{device.ErrCoverOpen, device.ErrNoPaper, device.ErrPaperJam, device.ErrHot, errOffline, errFatal} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// media says s in the words of all printers; p is the printer's presenter, nil
// if it has none.
func (s status) media(p *Presenter) device.Media {
	m := device.Media{Paper: device.PaperFull, Cover: device.CoverClosed, Hot: s.hot}
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
	if p == nil {
		return m
	}
	m.Exit = device.ExitNotPresent
	switch {
	case s.stuck:
		m.Exit = device.ExitJammed
	case s.waiting:
		m.Exit = device.ExitEntering
	}
	if len(p.Retract) > 0 {
		m.Bin = device.BinUnknown // none of them tells
	}
	return m
}

func (s status) health() device.Health {
	switch {
	case s.fatal:
		return device.HardwareError
	case s.cover, s.end, s.jam:
		return device.UserError
	case s.hot:
		return device.Busy
	case s.offline:
		return device.Offline
	}
	return device.Online
}
