package update

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/release"
)

// TestTrialMarks follows an update through its starts: the slot in which software has
// not proved itself has its mark from before RAUC writes until it has, or is left.
func TestTrialMarks(t *testing.T) {
	dir := t.TempDir()
	const before, after = 1, 2
	start := func(slot string, build uint64) *Updater {
		t.Helper()
		d := store{dir}
		s, err := d.load()
		if err != nil {
			t.Fatal(err)
		}
		return &Updater{
			c:     Config{Dir: dir, Trials: dir, Own: Own{Build: build}, Log: slog.New(slog.DiscardHandler)},
			store: d, s: s, slot: slot, started: time.Now(),
		}
	}
	step := func(u *Updater, e Event, f Facts, phase release.Phase, want ...string) {
		t.Helper()
		if err := u.step(e, f); err != nil {
			t.Fatal(err)
		}
		got, err := filepath.Glob(filepath.Join(dir, trialMark+"*"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i] = filepath.Base(got[i])
		}
		if u.s.Phase != phase || !slices.Equal(got, want) {
			t.Errorf("after %T in slot %s: phase %v and marks %v, want %v and %v", e, u.slot, u.s.Phase, got, phase, want)
		}
	}
	calm := Facts{Boot: "1", Own: Own{Build: before}, Calm: time.Hour, Quiet: true, Now: time.Now()}
	staged := State{Phase: release.Staged, Target: Target{Build: after}, Good: "1", Hand: true}
	if err := (store{dir}).save(staged); err != nil {
		t.Fatal(err)
	}
	// What an earlier update may have left.
	if err := os.WriteFile(filepath.Join(dir, trialMark+"A"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	u := start("A", before)
	step(u, Started{}, calm, release.Staged)
	step(u, Tick{}, calm, release.Installing, "trial-B")
	step(start("A", before), Started{}, calm, release.Staged) // the power went; the slot is written anew
	u = start("A", before)
	step(u, Tick{}, calm, release.Installing, "trial-B")
	step(u, InstallEnded{}, calm, release.Installed, "trial-B")
	calm.Boot, calm.Own.Build = "2", after
	u = start("B", after)
	step(u, Started{}, calm, release.Trial, "trial-B")
	step(u, Tick{}, calm, release.Trial, "trial-B")
	step(u, Marked{}, calm, release.Idle)
	if u.s.Last.Code != release.CodeGood {
		t.Errorf("the update ended with %q, want it good", u.s.Last.Code)
	}

	// And where nothing came up: the boot loader went back to A.
	staged.Phase, staged.Boot = release.Installed, "1"
	if err := (store{dir}).save(staged); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, trialMark+"B"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	calm.Own.Build = before
	u = start("A", before)
	step(u, Started{}, calm, release.Idle)
	if u.s.Last.Code != release.CodeBoot {
		t.Errorf("the update ended with %q, want that it did not start", u.s.Last.Code)
	}
}
