package escpos

import (
	"errors"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
)

// maxFaults is how many questions in a row may go unanswered before the line is
// opened anew.
const maxFaults = 3

// run keeps the printer open until Halt.
func (d *Dev) run() {
	defer close(d.done)
	reopen := link.NewReopen(d.port, d.o.Reopen)
	defer reopen.Close()
	for d.ctx.Err() == nil {
		err := d.session()
		switch {
		case errors.Is(err, device.ErrUnplugged):
			d.set(device.NoDevice, d.unknownMedia())
		default:
			d.set(device.Offline, d.unknownMedia())
		}
		reopen.Wait(d.ctx)
	}
	d.set(device.Offline, d.unknownMedia())
}

// session is the time from opening the port to losing it.
func (d *Dev) session() (err error) {
	line, err := d.port.Open(d.ctx)
	if err != nil {
		return err
	}
	var s *session
	s = newSession(line, d.p, func() { d.note(s, nil) })
	go s.read()
	// Closing the line ends the reader.
	defer func() { err = errors.Join(err, line.Close()); <-s.dead }()
	if err := s.setUp(d.ctx); err != nil {
		return err
	}
	d.bus <- struct{}{}
	d.sess = s
	<-d.bus
	s.adopt()
	err = d.watchOver(s)
	d.bus <- struct{}{}
	d.sess = nil
	<-d.bus
	return err
}

// watchOver asks for the status from time to time, until the line fails.
func (d *Dev) watchOver(s *session) error {
	t := time.NewTicker(d.o.Status)
	defer t.Stop()
	var jam recovery
	for faults := 0; faults < maxFaults; {
		select {
		case <-t.C:
		case <-s.dead:
			// A job that runs will notice by itself; watchers must not wait for it.
			err := s.problem()
			d.note(s, err)
			return err
		case <-d.ctx.Done():
			return d.ctx.Err()
		}
		select {
		case d.bus <- struct{}{}:
		default:
			continue // a job is under way and looks by itself
		}
		st, err := s.ask(d.ctx)
		d.note(s, err)
		if err == nil {
			err = d.care(s, st, &jam)
		}
		<-d.bus
		switch {
		case err == nil:
			faults = 0
		case errors.Is(err, device.ErrUnplugged):
			return err
		default:
			faults++
		}
	}
	return device.ErrTimeout
}

// care does what st asks for between jobs: it pulls back a paper that nobody has
// taken, and tries to end an error whose cause may be gone. The bus is held.
func (d *Dev) care(s *session, st status, jam *recovery) error {
	if st.waiting && d.untaken() <= 0 {
		return d.pullBack(d.ctx, s)
	}
	if jam.due(st) && d.p.Status == StatusEpson {
		return s.force(cmdRecover)
	}
	return nil
}

// recovery says when to try to end an error that a person can mend: often at
// first, seldom later, since each try moves the cutter, and at once when the
// cover was closed.
type recovery struct{ since, last time.Time }

func (r *recovery) due(st status) bool {
	if !st.jam || st.fatal || st.cover {
		*r = recovery{}
		return false
	}
	now := time.Now()
	if r.since.IsZero() {
		r.since = now
	}
	pause := min(max(time.Second, now.Sub(r.since)/10), 10*time.Second)
	if now.Sub(r.last) < pause {
		return false
	}
	r.last = now
	return true
}
