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
			d.set(device.NoDevice, unknownMedia)
		default:
			d.set(device.Offline, unknownMedia)
		}
		reopen.Wait(d.ctx)
	}
	d.set(device.Offline, unknownMedia)
}

// session is the time from opening the port to losing it.
func (d *Dev) session() (err error) {
	line, err := d.port.Open(d.ctx)
	if err != nil {
		return err
	}
	var s *session
	s = newSession(line, (d.o.Width+7)/8, func() { d.note(s, nil) })
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
		_, err := s.ask(d.ctx)
		d.note(s, err)
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
