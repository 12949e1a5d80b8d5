package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/penjire/penjire/drivers/emulator/ccnet"
	"github.com/penjire/penjire/drivers/emulator/pty"
)

// notes is the bill validator.
type notes struct {
	*ccnet.Validator
	line    *pty.Port
	off     bool
	trouble string
}

// manats are the worths of ccnet.Manats, in manat.
var manats = []int{1, 5, 10, 20, 50, 100}

// Troubles of a validator by the words of the API (CCNET, states 0x41 to 0x47).
var noteTroubles = map[string]byte{"none": 0, "full": 0x41, "removed": 0x42, "jam": 0x43, "stacker-jam": 0x44}

// Moments of a bill on its way, by the words of the API.
var noteMoments = map[string]ccnet.Step{
	"escrow": ccnet.StepEscrow, "ordered": ccnet.StepOrdered, "moving": ccnet.StepMoving,
	"inside": ccnet.StepInside, "reported": ccnet.StepReported,
}

// NotesState is the bill validator.
type NotesState struct {
	Link     string `json:"link"`
	Power    string `json:"power"`    // on, off
	Trouble  string `json:"trouble"`  // none, full, removed, jam, stacker-jam
	Cassette int    `json:"cassette"` // manat in it
	Back     int    `json:"back"`     // manat given back
}

// notesOrder is the body of POST /api/notes.
type notesOrder struct {
	Link    string `json:"link"`
	Insert  int    `json:"insert"`  // a bill of so many manat is held to the slot
	Trouble string `json:"trouble"` // none, full, removed, jam, stacker-jam
	Power   string `json:"power"`   // on, off
	At      string `json:"at"`      // with power off or link unplugged: when the next bill is there
}

func words[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}

func (b *Bench) postNotes(_ context.Context, o notesOrder) error {
	kind := slices.Index(manats, o.Insert)
	trouble, known := noteTroubles[o.Trouble]
	step, moment := noteMoments[o.At]
	switch {
	case o.Insert != 0 && kind < 0:
		return badRequest{fmt.Errorf("insert: got %d, want one of %v", o.Insert, manats)}
	case o.Trouble != "" && !known:
		return badRequest{fmt.Errorf("trouble: got %q, want one of %s", o.Trouble, words(noteTroubles))}
	case o.Power != "" && o.Power != "on" && o.Power != "off":
		return badRequest{fmt.Errorf("power: got %q, want on or off", o.Power)}
	case o.Link != "" && o.Link != "plugged" && o.Link != "unplugged":
		return badRequest{fmt.Errorf("link: got %q, want plugged or unplugged", o.Link)}
	case o.At != "" && (!moment || o.Power != "off" && o.Link != "unplugged"):
		return badRequest{fmt.Errorf("at: got %q, want one of %s, and only with power off or link unplugged", o.At, words(noteMoments))}
	}
	n := &b.hands.notes
	if o.Trouble != "" {
		n.Trouble(trouble)
		b.hands.mu.Lock()
		n.trouble = o.Trouble
		b.hands.mu.Unlock()
	}
	cut := func() error {
		b.hands.mu.Lock()
		defer b.hands.mu.Unlock()
		switch o.Power {
		case "off":
			n.PowerOff()
			n.off = true
		case "on":
			n.PowerOn()
			n.off = false
		}
		return plug(n.line, o.Link)
	}
	if moment {
		n.At(step, func() { go func() { _ = cut() }() }) // seen in the state if it does not
	} else if err := cut(); err != nil {
		return err
	}
	if o.Insert != 0 && !n.Insert(kind) {
		return errors.New("the bill is not drawn in: nobody is paying, or the validator is not ready")
	}
	return nil
}

func (n *notes) state() NotesState {
	sum := func(kinds []int) (out int) {
		for _, k := range kinds {
			out += manats[k]
		}
		return out
	}
	s := NotesState{Link: plugged(n.line), Power: "on", Trouble: n.trouble, Cassette: sum(n.Cassette()), Back: sum(n.Back())}
	if n.off {
		s.Power = "off"
	}
	if s.Trouble == "" {
		s.Trouble = "none"
	}
	return s
}
