package update

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/release"
)

// trialMark is the beginning of the name of a file that says which slot is on trial.
// It is for the image's unit penjire-trial@.timer: software that does not come as far
// as Open cannot count its own starts, and the boot loader counts only those of the
// machine, which somebody has to start anew.
const trialMark = "trial-"

// onTrial returns the slot in which s has software that has not proved itself; "":
// there is none, or it is not known.
func onTrial(s State, booted string) string {
	switch s.Phase {
	case release.Installing, release.Installed: // the power may go when RAUC has done its last write
		for _, slot := range layout.Slots {
			if booted != "" && slot.Name != booted {
				return slot.Name
			}
		}
	case release.Trial:
		return booted
	}
	return ""
}

// mark makes sure that the slot is marked that is on trial in s; unmark that no other
// is. The first comes before s is durable, the second after.
func (u *Updater) mark(s State) error {
	slot := onTrial(s, u.slot)
	if u.c.Trials == "" || slot == "" || slot == u.marked {
		return nil
	}
	if err := durable.WriteFile(filepath.Join(u.c.Trials, trialMark+slot), nil, 0o644); err != nil {
		return fmt.Errorf("update: mark slot %s as on trial: %w", slot, err)
	}
	u.marked = slot
	return nil
}

func (u *Updater) unmark(s State) error {
	slot := onTrial(s, u.slot)
	if u.c.Trials == "" || u.unmarked && slot == u.marked {
		return nil
	}
	for _, other := range layout.Slots {
		if other.Name == slot {
			continue
		}
		if err := os.Remove(filepath.Join(u.c.Trials, trialMark+other.Name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("update: say that slot %s is not on trial: %w", other.Name, err)
		}
	}
	u.marked, u.unmarked = slot, true
	return nil
}
