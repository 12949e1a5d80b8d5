// Package rollout lets releases of the kiosks' software out, ring by ring: it answers
// kiosks that ask, hands out bundles, and stops by itself what fails on too many of
// them (sync/spec/release.md, section 6). An operator says how far a release goes.
//
// It signs nothing and can install nothing: kiosks check what they are handed.
package rollout

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/release"
)

// Config is what a rollout works with. Ledger and Folder are needed.
type Config struct {
	Ledger interface {
		ledger.Releases
		Raise(ctx context.Context, a ledger.Alarm) error
	}
	Folder string           // of the bundles
	Limit  Limit            // of failures
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: nothing is logged
}

// Limit is how many kiosks of a ring a release may fail on.
type Limit struct {
	Kiosks  int `json:"kiosks,omitempty"`  // always; 0 is 1
	Percent int `json:"percent,omitempty"` // of those that tried, where that is more; 0 is 10
}

// exceeded says whether failed of tried are too many.
func (l Limit) exceeded(failed, tried int) bool {
	kiosks, percent := l.Kiosks, l.Percent
	if kiosks == 0 {
		kiosks = 1
	}
	if percent == 0 {
		percent = 10
	}
	return failed > max(kiosks, tried*percent/100)
}

// Rollout lets releases out. It keeps nothing in memory: any number of portals may
// run on one ledger and folder.
type Rollout struct {
	c      Config
	making sync.Mutex // of an index
}

// New returns a rollout.
func New(c Config) *Rollout {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Rollout{c: c}
}

// ErrWidest is returned for a release that is to go further than it was signed for.
var ErrWidest = errors.New("it was not signed for so wide a ring")

// LetOut says how far a release goes: to that ring and those inside it; 0: to nobody
// any more. A pause ends with it.
func (o *Rollout) LetOut(ctx context.Context, board string, build uint64, ring release.Ring, by string) error {
	r, err := o.find(ctx, board, build)
	if err != nil {
		return err
	}
	if uint8(ring) > r.Widest {
		return fmt.Errorf("rollout: let build %d for %s out to %s: %w: %s", build, board, ring, ErrWidest, release.Ring(r.Widest))
	}
	return o.set(ctx, r, uint8(ring), "", by)
}

// Pause stops a release: kiosks that have not installed it yet do not.
func (o *Rollout) Pause(ctx context.Context, board string, build uint64, why, by string) error {
	r, err := o.find(ctx, board, build)
	if err != nil {
		return err
	}
	return o.set(ctx, r, r.Ring, why, by)
}

// Resume goes on with a release that was paused.
func (o *Rollout) Resume(ctx context.Context, board string, build uint64, by string) error {
	return o.Pause(ctx, board, build, "", by)
}

func (o *Rollout) set(ctx context.Context, r ledger.Release, ring uint8, paused, by string) error {
	err := o.c.Ledger.SetRelease(ctx, r.Board, r.Build, ring, paused, by, o.c.Now())
	if err != nil {
		return fmt.Errorf("rollout: change build %d for %s: %w", r.Build, r.Board, err)
	}
	o.c.Log.Info("rollout", "board", r.Board, "build", r.Build, "ring", release.Ring(ring).String(), "paused", paused, "by", by)
	return nil
}

func (o *Rollout) find(ctx context.Context, board string, build uint64) (ledger.Release, error) {
	all, err := o.c.Ledger.Releases(ctx)
	if err != nil {
		return ledger.Release{}, fmt.Errorf("rollout: %w", err)
	}
	i := slices.IndexFunc(all, func(r ledger.Release) bool { return r.Board == board && r.Build == build })
	if i < 0 {
		return ledger.Release{}, fmt.Errorf("rollout: build %d for %s: %w", build, board, ledger.ErrNotFound)
	}
	return all[i], nil
}

// Choose returns the release for a kiosk in that ring that says this of its software:
// the newest that was let out to it and can read its data; nil: none.
func Choose(all []ledger.Release, ring uint8, r release.Report) *ledger.Release {
	var best *ledger.Release
	for i := range all {
		c := &all[i]
		if c.Board != r.Board || c.Build <= r.Build || c.Paused != "" || c.Ring == 0 || ring > c.Ring || best != nil && best.Build > c.Build {
			continue
		}
		if d, err := release.Read(c.Signed); err != nil || !d.Formats.Has(r.Format) {
			continue
		}
		best = c
	}
	return best
}

// Count is how a release stands in a ring.
type Count struct {
	Ring                release.Ring
	Kiosks              int // of the board, in the ring
	Runs                int // that say that they run it, or a newer one
	Way                 int // that have it under way
	Tried, Good, Failed int // where it ended, and how
	Codes               map[release.Code]int
}

// Counts returns how a release stands in each ring, the narrowest first.
func Counts(r ledger.Release, fleet []ledger.Software, ended []ledger.Ended) []Count {
	out := make([]Count, len(release.Rings))
	for i, ring := range release.Rings {
		out[i] = Count{Ring: ring, Codes: map[release.Code]int{}}
	}
	for _, s := range fleet {
		rep, err := release.ParseReport(s.Report)
		if err != nil || rep.Board != r.Board || s.Ring() == 0 || int(s.Ring()) > len(out) {
			continue
		}
		c := &out[s.Ring()-1]
		c.Kiosks++
		if rep.Build >= r.Build {
			c.Runs++
		}
		if rep.Target == r.Build {
			c.Way++
		}
	}
	for _, e := range ended {
		if e.Board != r.Board || e.Build != r.Build || e.Ring == 0 || int(e.Ring) > len(out) {
			continue
		}
		c, code := &out[e.Ring-1], release.Code(e.Code)
		c.Codes[code]++
		switch {
		case code == release.CodeGood:
			c.Good++
			c.Tried++
		case code.Failed():
			c.Failed++
			c.Tried++
		}
	}
	return out
}

// reported keeps what a kiosk says, and pauses what fails on too many.
func (o *Rollout) reported(ctx context.Context, kiosk string, raw []byte, r release.Report) (ledger.Software, error) {
	ring, err := release.ParseRing(r.Ring)
	if err != nil {
		return ledger.Software{}, err
	}
	s := ledger.Software{Kiosk: kiosk, At: o.c.Now(), OwnRing: uint8(ring), Report: raw}
	var e *ledger.Ended
	if r.Last != nil && r.Last.Build != 0 && r.Last.Code != release.CodeInterrupted {
		e = &ledger.Ended{Kiosk: kiosk, Board: r.Board, Build: r.Last.Build, Code: string(r.Last.Code), At: o.c.Now()}
	}
	if s, err = o.c.Ledger.Reported(ctx, s, e); err != nil {
		return s, fmt.Errorf("rollout: keep what %s says: %w", kiosk, err)
	}
	if e != nil && release.Code(e.Code).Failed() {
		return s, o.judge(ctx, *e)
	}
	return s, nil
}

// judge pauses a release that just failed once more, if that was once too often.
func (o *Rollout) judge(ctx context.Context, e ledger.Ended) error {
	r, err := o.find(ctx, e.Board, e.Build)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && (r.Paused != "" || r.Ring == 0) {
		return nil // it came on a stick, or goes nowhere any more
	}
	if err != nil {
		return err
	}
	ended, err := o.c.Ledger.Ended(ctx)
	if err != nil {
		return fmt.Errorf("rollout: %w", err)
	}
	for _, c := range Counts(r, nil, ended) {
		if !o.c.Limit.exceeded(c.Failed, c.Tried) {
			continue
		}
		if err := o.set(ctx, r, r.Ring, ledger.PausedByFailures, "portal"); err != nil {
			return err
		}
		note := fmt.Sprintf("%s, version %s, build %d: failed on %d of %d kiosks in ring %s", r.Board, r.Version, r.Build, c.Failed, c.Tried, c.Ring)
		return o.c.Ledger.Raise(ctx, ledger.Alarm{At: o.c.Now(), Code: ledger.AlarmPaused, Note: note})
	}
	return nil
}

// BundleFile is the name of a bundle in the folder.
func BundleFile(folder string, sha256 [32]byte) string {
	return filepath.Join(folder, hex.EncodeToString(sha256[:])+".raucb")
}
