package kiosk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/update"
	releases "github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/ui/screen"
)

// New software on a memory stick. A release that lies on the stick of the settings is
// found while the kiosk runs, examined, and told on the assistant's page, which asks
// once what is to be done. Nothing is copied before somebody with an assistant's card
// said so.

const (
	// stickEvery is between two looks for a stick.
	stickEvery = 2 * time.Second
	// toldFor is how long the assistant is told how the last one ended.
	toldFor = 15 * time.Minute
)

// stickRelease is what the stick that is in has of new software. updates.mu.
type stickRelease struct {
	sum      string // of what lies there: names, sizes, times; "": nothing of ours
	found    update.Found
	version  string
	size     int64
	build    uint64
	code     releases.Code // why it is refused; "": it would be taken
	answered bool          // the assistant said what is to be done
}

// offers reports whether somebody is to be asked.
func (s *stickRelease) offers() bool { return s.sum != "" && !s.answered && s.code == "" }

// watchStick looks for a stick with a release until ctx ends. It returns nil.
func (k *Kiosk) watchStick(ctx context.Context) error {
	tick := time.NewTicker(stickEvery)
	defer tick.Stop()
	for {
		k.lookStick()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// lookStick looks once at the stick, and examines what is new there.
func (k *Kiosk) lookStick() {
	sum := releasesOn(k.s.Stick, k.s.State)
	k.upd.mu.Lock()
	same := k.upd.stick.sum == sum
	k.upd.mu.Unlock()
	if same {
		return
	}
	s := stickRelease{sum: sum}
	if sum != "" {
		s = k.examine(sum)
	}
	k.upd.mu.Lock()
	k.upd.stick = s
	k.upd.mu.Unlock()
	if sum != "" {
		k.log.Info("a stick with new software", "version", s.version, "build", s.build, "refused", string(s.code))
	}
	k.wake()
}

// examine says what is found on the stick.
func (k *Kiosk) examine(sum string) stickRelease {
	s := stickRelease{sum: sum}
	var r *releases.Release
	var err error
	if s.found, err = update.Find(k.s.Stick, k.upd.Status().Report.Board); err == nil {
		r, err = k.upd.Examine(s.found)
	}
	if r != nil {
		s.version, s.build, s.size = r.Version, r.Build, r.Content.Size
	}
	no, refused := errors.AsType[*update.Refused](err)
	switch {
	case refused:
		s.code = no.Code
	case err != nil: // the stick does not give it up
		s.code = releases.CodeCorrupt
	}
	if err != nil {
		k.log.Warn("new software on a stick", "err", err)
	}
	return s
}

// releasesOn is a line that changes with every release on the stick; "" where there is
// no stick or none on it.
func releasesOn(folder, own string) string {
	dir, err := stick.OpenFolder(folder, own)
	if err != nil {
		return ""
	}
	names, err := filepath.Glob(filepath.Join(dir.Path(), "*"+update.DescriptionExt))
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, name := range names {
		for _, at := range []string{name, strings.TrimSuffix(name, update.DescriptionExt) + update.BundleExt} {
			if info, err := os.Stat(at); err == nil {
				_, _ = fmt.Fprintln(&b, filepath.Base(at), info.Size(), info.ModTime().Unix()) // it never fails
			}
		}
	}
	return b.String()
}

// lookUpdate is what the assistant is told of new software.
func (k *Kiosk) lookUpdate(now time.Time) screen.UpdateView {
	if k.upd.Updater == nil {
		return screen.UpdateView{}
	}
	st := k.upd.Status()
	v := screen.UpdateView{Running: st.Report.Version, Version: st.Version, Size: st.Size, Night: nights(k.live().Update.Quiet)}
	k.upd.mu.Lock()
	s := k.upd.stick
	k.upd.mu.Unlock()
	switch last := st.Report.Last; {
	case s.offers() && (st.Report.Phase == releases.Idle.String() || st.Report.Phase == releases.Downloading.String() && !st.Stick):
		// Also while it comes over the network: that may take weeks.
		v.State, v.Version, v.Size = screen.UpdateOffered, s.version, s.size
	case st.Report.Phase == releases.Downloading.String():
		v.State, v.Stick = screen.UpdateCopying, st.Stick
		switch {
		case !st.Stick && st.Fetch > 0:
			v.Fetch, v.Percent = st.Fetch, int(st.Fetched*20/st.Fetch)*5
		case st.Size > 0:
			v.Percent = int(st.Report.Have*20/st.Size) * 5 // a page is not drawn anew for each percent
		}
	case st.Report.Phase == releases.Staged.String():
		v.State = screen.UpdateNight
		if st.Hand {
			v.State = screen.UpdateSoon
		}
	case st.Report.Phase != releases.Idle.String():
		v.State, v.Code = screen.UpdateUnderWay, st.Report.Phase
	case s.sum != "" && !s.answered:
		v.State, v.Version, v.Size, v.Code = screen.UpdateRefused, s.version, s.size, string(s.code)
	case last != nil && now.Sub(last.At) < toldFor && now.After(last.At.Add(-time.Minute)):
		v.State, v.Version, v.Size, v.Code = screen.UpdateEnded, last.Version, 0, string(last.Code)
	}
	return v
}

// nights are the hours in which the kiosk installs, for people.
func nights(ws []settings.Window) string {
	var out []string
	clock := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60) }
	for _, w := range ws {
		out = append(out, clock(w.From)+"–"+clock(w.To))
	}
	return strings.Join(out, ", ")
}

// takeStick does what the assistant chose.
func (k *Kiosk) takeStick(ctx context.Context, e session.TakeUpdate) session.Event {
	defer k.wake()
	k.upd.mu.Lock()
	s := k.upd.stick
	k.upd.stick.answered = true
	k.upd.mu.Unlock()
	out := session.UpdateTaken{Job: e.Job}
	if s.sum == "" || s.code != "" || k.upd.Updater == nil {
		return out // it was pulled out meanwhile
	}
	if _, err := k.upd.Offer(ctx, s.found.Signed, update.Offered{Path: s.found.Bundle, Hand: true, Wait: !e.Now}); err != nil {
		k.log.Warn("new software on a stick is not taken", "err", err)
		if no, ok := errors.AsType[*update.Refused](err); ok {
			k.upd.mu.Lock()
			k.upd.stick.code, k.upd.stick.answered = no.Code, false
			k.upd.mu.Unlock()
		}
	}
	return out
}

// leaveStick is the assistant's no: the stick that is in is not asked about again.
func (k *Kiosk) leaveStick() {
	k.upd.mu.Lock()
	k.upd.stick.answered = true
	k.upd.mu.Unlock()
	k.wake()
}
