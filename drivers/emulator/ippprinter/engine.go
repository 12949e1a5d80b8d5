package ippprinter

import (
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// The values of job-state (RFC 8011, 5.3.7).
const (
	held       = 4
	pending    = 3
	processing = 5
	stopped    = 6
	canceled   = 7
	aborted    = 8
	completed  = 9
)

// job is a job that the printer knows.
type job struct {
	id, state int
	name      string
	user      string
	format    string
	data      []byte
	docs      int
	copies    int
	total     int // sheets
	out       int
	abort     bool // it will fail after its first sheet
	spoil     bool // … and call that complete
	timed     bool // its next sheet is on the way
}

func (j *job) ended() bool { return j.state >= canceled }

// fine reports whether a sheet can come out.
func (p *Printer) fine() bool {
	return p.cover == device.CoverClosed && (p.paper == device.PaperFull || p.paper == device.PaperLow) && p.toner > 0 && !p.paused && len(p.ready) > 0
}

// current returns the job that is printed next, or nil.
func (p *Printer) current() *job {
	for _, j := range p.jobs {
		if j.state == pending || j.state == processing || j.state == stopped {
			return j
		}
	}
	return nil
}

// work begins the next sheet, if there is one and it can. p.mu is held.
func (p *Printer) work() {
	for {
		j := p.current()
		switch {
		case j == nil || j.timed:
			return
		case !p.fine():
			j.state = stopped
			return
		}
		j.state = processing
		if p.o.Sheet > 0 {
			j.timed = true
			epoch := p.epoch
			time.AfterFunc(p.o.Sheet, func() { p.timeout(j, epoch) })
			return
		}
		p.sheet(j)
	}
}

// timeout ends the time that a sheet takes.
func (p *Printer) timeout(j *job, epoch int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch != epoch {
		return
	}
	j.timed = false
	if !j.ended() && p.fine() {
		p.sheet(j)
	}
	p.work()
}

// sheet lets one come out. Who waits for sheets is called without the lock.
func (p *Printer) sheet(j *job) {
	if j.out++; j.abort {
		j.state = aborted
		p.drop(j)
	} else if j.spoil {
		j.state = completed
		p.drop(j)
	} else if j.out == j.total {
		j.state = completed
		p.drop(j)
	}
	var due []func()
	left := p.after[:0:0]
	for _, a := range p.after {
		if a.sheets--; a.sheets <= 0 {
			due = append(due, a.f)
		} else {
			left = append(left, a)
		}
	}
	p.after = left
	if len(due) == 0 {
		return
	}
	p.mu.Unlock()
	defer p.mu.Lock()
	for _, f := range due {
		f()
	}
}

// drop lays what came out of a job that has ended where it is seen, and forgets
// old jobs.
func (p *Printer) drop(j *job) {
	if j.out > 0 {
		p.prints = append(p.prints, Print{j.name, j.format, j.data, j.out, j.out == j.total})
	}
	n := len(p.jobs) - p.waiting()
	for i := 0; i < len(p.jobs) && n > max(0, p.o.History); {
		if p.jobs[i].ended() {
			p.jobs = append(p.jobs[:i:i], p.jobs[i+1:]...)
			n--
			continue
		}
		i++
	}
}
