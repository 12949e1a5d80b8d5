package ippprinter

import "github.com/OpenPrinting/goipp"

// Kind is what goes wrong with a request.
type Kind int

// The faults.
const (
	CutBefore    Kind = 1  // the connection ends before the request was read whole
	CutAfter     Kind = 2  // the request is carried out, and the connection ends without an answer
	HalfAnswer   Kind = 3  // as before, in the middle of the answer
	Garbage      Kind = 4  // carried out; the answer is nonsense
	Silent       Kind = 5  // carried out; no answer ever comes
	Deaf         Kind = 6  // nothing more is read, and no answer ever comes
	Stale        Kind = 7  // carried out; the answer is to another request
	Web          Kind = 8  // not carried out; the answer is a web page
	Status       Kind = 9  // not carried out; the answer is Code
	Abort        Kind = 10 // the job will be aborted after its first sheet
	ForgetAfter  Kind = 11 // carried out, then the power goes, with the answer
	WrongJobName Kind = 12 // jobs are listed under other names
	Spoil        Kind = 13 // the job will be complete after its first sheet, with errors
)

// Fault happens to the next requests of an operation.
type Fault struct {
	Op   goipp.Op // 0: any
	Kind Kind
	Code goipp.Status
	N    int // how many requests it happens to; 0: 1
}

// Next makes f happen.
func (p *Printer) Next(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.N = max(1, f.N)
	p.faults = append(p.faults, f)
}

// Left returns how many faults have not happened.
func (p *Printer) Left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.faults)
}

// hit returns the fault for a request of op, if there is one, and uses it up.
func (p *Printer) hit(op goipp.Op) Fault {
	for i, f := range p.faults {
		if f.Op != 0 && f.Op != op {
			continue
		}
		if p.faults[i].N--; p.faults[i].N == 0 {
			p.faults = append(p.faults[:i:i], p.faults[i+1:]...)
		}
		return f
	}
	return Fault{}
}
