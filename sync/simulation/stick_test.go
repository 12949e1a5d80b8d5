package simulation

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/uplink"
)

// stickFile is a file on some memory stick: nobody throws one away, and any may be
// carried at any time.
type stickFile struct {
	of     *machine
	name   string
	bytes  []byte
	answer bool
	made   time.Time
	times  int // it was read
}

// export has the assistant put what waits on a stick.
func (s *sim) export(r *rand.Rand) bool {
	m := s.pick(r)
	if m == nil || m.life.up == nil || len(s.sticks) > 12 {
		return false
	}
	var files []*stickFile
	u, l := m.life.up, m.life
	err, done := m.ask(func(*outbox.Outbox) error {
		return u.Export(l.ctx, uplink.Export{
			Heads: m.store.heads(l.box.Stats(l.ctx).Epoch),
			Number: func() (uint64, error) {
				if !l.fuse.point("before it takes a number for a stick") {
					return 0, errDead
				}
				m.exports++
				return m.exports, nil
			},
			Put: func(_ context.Context, e uplink.Exported, parts [][]byte) error {
				if !l.fuse.point("before it writes to the stick") {
					return errDead
				}
				files = append(files, &stickFile{of: m, name: e.Name, bytes: bytes.Join(parts, nil), made: time.Now()})
				return nil
			},
		})
	})
	s.sticks = append(s.sticks, files...)
	switch {
	case !done:
		s.say("%s: the assistant exports to a stick, and the power goes", m.name)
	case err != nil:
		s.say("%s: the export fails: %v", m.name, err)
	default:
		s.say("%s: the assistant exports to a stick: %d files", m.name, len(files))
	}
	return true
}

// carryStick brings one of the files to where it is read: an old one again, too.
func (s *sim) carryStick(r *rand.Rand) bool {
	if len(s.sticks) == 0 {
		return false
	}
	f := s.sticks[r.IntN(len(s.sticks))]
	b := f.bytes
	hurt := ""
	if time.Since(f.made) > time.Hour {
		s.count("fault: a stick comes late")
	}
	if f.times++; f.times > 1 {
		s.count("fault: a stick comes again")
	}
	if s.plan.faults["bad stick"] {
		switch r.IntN(4) {
		case 0:
			s.count("fault: a stick is half copied")
			b, hurt = b[:r.IntN(len(b))], " (cut short)"
		case 1:
			s.count("fault: a stick is damaged")
			b = bytes.Clone(b)
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			hurt = " (damaged)"
		}
	}
	if f.answer {
		return s.takeAnswer(s.reader(f, r), f, b, hurt)
	}
	if !s.up() {
		return false
	}
	var in portal.Imported
	var err error
	p := s.c.life.p
	done := s.try(func() { in, err = p.Import(context.WithValue(s.c.life.ctx, byHand{}, true), bytes.NewReader(b)) })
	switch {
	case !done:
		s.say("portal: somebody brings the file %s%s", f.name, hurt)
	case err != nil:
		s.say("portal: somebody brings the file %s%s; it is not taken: %v", f.name, hurt, err)
		if hurt == "" && !s.clockOff && !excusable(err) && !s.c.life.led.full.Load() && s.c.disk == roomy && !s.lostReply && !s.plan.faults["busy"] {
			s.broken("PortalWorks", "import of %s: %v", f.name, err)
		}
	default:
		s.say("portal: somebody brings the file %s%s: %d records, %d new", f.name, hurt, in.Records, in.New)
		if len(s.sticks) < 24 {
			s.sticks = append(s.sticks, &stickFile{of: f.of, name: in.Name, bytes: in.Answer, answer: true, made: time.Now()})
		}
	}
	return true
}

func excusable(err error) bool {
	return noSpace(err) || errors.Is(err, errFull) || errors.Is(err, errUnsure) || errors.Is(err, errDead) || errors.Is(err, errBusy) || errors.Is(err, context.Canceled)
}

// reader is the kiosk to which an answer is brought: mostly its own.
func (s *sim) reader(f *stickFile, r *rand.Rand) *machine {
	if r.IntN(4) > 0 {
		return f.of
	}
	return s.machines[r.IntN(len(s.machines))]
}

// takeAnswer has the assistant import an answer at the kiosk.
func (s *sim) takeAnswer(m *machine, f *stickFile, b []byte, hurt string) bool {
	if m.life == nil || m.life.up == nil {
		return false
	}
	var took uplink.Taken
	u := m.life.up
	err, done := m.ask(func(*outbox.Outbox) error {
		sf, err := stick.Read(bytes.NewReader(b))
		if err != nil {
			return err
		}
		took, err = u.Take(context.Background(), sf)
		return err
	})
	if m.dev.ID != f.of.dev.ID {
		s.count("fault: a stick comes to the wrong kiosk")
		if done && err == nil {
			s.broken("OnlyItsOwn", "%s takes the answer %s to another kiosk", m.name, f.name)
		}
	}
	switch {
	case !done:
		s.say("%s: the assistant imports the answer %s%s, and the power goes", m.name, f.name, hurt)
	case err != nil:
		s.say("%s: the assistant imports the answer %s%s; it is not taken: %v", m.name, f.name, hurt, err)
	default:
		s.say("%s: the assistant imports the answer %s%s: %d receipts, %d items", m.name, f.name, hurt, took.Receipts, took.Items)
		for what, is := range map[string]bool{"has a gap": took.Gap, "is cut": took.Cut, "is damaged": took.Damaged > 0, "is of an earlier life": took.Known, "brings news": took.Items > 0} {
			if is {
				s.count("state: an answer on a stick " + what)
			}
		}
	}
	return true
}
