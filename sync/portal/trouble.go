package portal

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// What a portal goes on in spite of. The words for operators are the desk's.
const (
	// TroubleTrust: a new trust bundle was not taken. The one before is in force.
	TroubleTrust = "trust"
	// TroubleTLS: a new certificate for kiosks' connections was not taken, or the one
	// that is shown ends soon.
	TroubleTLS = "tls"
	// TroubleDevices: a new list of the centres that certify kiosks was not taken.
	TroubleDevices = "devices"
)

// Troubles are all of them.
var Troubles = []string{TroubleTrust, TroubleTLS, TroubleDevices}

// Trouble is something that an operator has to mend, though the portal serves.
type Trouble struct {
	What  string
	Since time.Time
	Why   string // for the operator, in English; it may name files
}

type troubles struct {
	mu  sync.Mutex
	now map[string]Trouble
}

// Trouble says that something is in trouble; nil: that it is not any more. It is logged
// when it is new or another.
func (p *Portal) Trouble(what string, err error) {
	t := &p.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	was, is := t.now[what]
	switch {
	case err == nil && is:
		delete(t.now, what)
		p.c.Log.Info("portal: a trouble is over", "what", what)
	case err != nil && was.Why != err.Error():
		if t.now == nil {
			t.now = map[string]Trouble{}
		}
		t.now[what] = Trouble{what, p.c.Now(), err.Error()}
		p.c.Log.Error("portal: an operator has to mend something", "what", what, "err", err)
	}
}

// Troubles returns what is in trouble now, in order of the names.
func (p *Portal) Troubles() []Trouble {
	t := &p.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Trouble
	for _, x := range t.now {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b Trouble) int { return cmp.Compare(a.What, b.What) })
	return out
}
