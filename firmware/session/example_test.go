package session_test

import (
	"fmt"
	"time"

	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/citizen"
)

// A visit is a state and the events that move it on. Whoever runs the visit
// carries the effects out and feeds back what came of them.
func Example() {
	facts := session.Facts{Now: time.Now(), Catalogue: &catalog.Catalogue{Services: []catalog.Service{{
		ID: "complaint", Kind: "interactive", Identification: catalog.IdentifyNone,
		Survey: []catalog.Row{{Type: "text", Name: "what", Required: true}},
	}}}}
	s := session.Begin("tk", 0)
	for _, e := range []session.Event{
		session.Act{Name: "apply"},
		session.Act{Name: "choose", Arg: "complaint"},
		session.Act{Name: "begin"},
		session.Act{Name: "answer", Text: citizen.NewText("Noise")},
		session.Act{Name: "confirm"},
	} {
		var effects []session.Effect
		s, effects = session.Next(s, e, facts)
		fmt.Println(s.Shown(), len(effects))
	}
	s, _ = session.Next(s, session.Failed{Job: s.Busy, Why: session.Full}, facts)
	fmt.Println(s.Shown(), s.Problem.Key)
	// Output:
	// services 0
	// service 0
	// question 0
	// check 0
	// working 1
	// problem full
}
