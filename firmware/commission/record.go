package commission

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/penjire/penjire/sync/durable"
)

// File is the name of the record in the kiosk's folder. It is there while a
// technician is at it.
const File = "first.json"

const recordSchema = "penjire-first/1"

// record is how far a first start is.
type record struct {
	Schema string `json:"schema"`
	Lang   string `json:"lang"`
	Passed []step `json:"passed"`
	Ticket bool   `json:"ticket"` // it was printed, or may have been
}

// step is a step of a first start.
type step string

// The steps, in their order.
const (
	stepHardware step = "hardware"
	stepNetwork  step = "network"
	stepCheck    step = "check"
	stepEnrol    step = "enrol"
	stepTest     step = "test"
	stepReady    step = "ready"
)

var steps = []step{stepHardware, stepNetwork, stepCheck, stepEnrol, stepTest, stepReady}

// at returns the step that comes next. Of a kiosk that is enrolled that step is over,
// whoever did it; before it nothing of what follows can be.
func (r *record) at(enrolled bool) step {
	for _, s := range steps[:len(steps)-1] {
		over := slices.Contains(r.Passed, s)
		if s == stepEnrol {
			over = enrolled
		}
		if !over {
			return s
		}
	}
	return stepReady
}

// pass says that s is over.
func (r *record) pass(s step) {
	if !slices.Contains(r.Passed, s) {
		r.Passed = append(r.Passed, s)
	}
}

// back goes to the step before s; false: there is none. Enrolment is not undone.
func (r *record) back(s step) bool {
	for i := slices.Index(steps, s) - 1; i >= 0; i-- {
		if steps[i] == stepEnrol {
			continue
		}
		r.Passed = slices.DeleteFunc(r.Passed, func(p step) bool { return slices.Index(steps, p) >= i })
		return true
	}
	return false
}

// readRecord reads the record of a kiosk; nil: there is none.
func readRecord(dir string) (*record, error) {
	b, err := os.ReadFile(filepath.Join(dir, File))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("commission: %w", err)
	}
	return parseRecord(b)
}

func parseRecord(b []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil || r.Schema != recordSchema {
		return nil, fmt.Errorf("commission: read %s: it is not a %s", File, recordSchema)
	}
	r.Passed = slices.DeleteFunc(r.Passed, func(s step) bool { return !slices.Contains(steps, s) })
	return &r, nil
}

// write makes the record durable, whole or not at all.
func (r *record) write(dir string) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("commission: write %s: %w", File, err)
	}
	if err := durable.WriteFile(filepath.Join(dir, File), append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("commission: %w", err)
	}
	return nil
}

// removeRecord ends a first start, durably.
func removeRecord(dir string) error {
	if err := os.Remove(filepath.Join(dir, File)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("commission: %w", err)
	}
	return durable.SyncDir(dir)
}
