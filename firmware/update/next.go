package update

import (
	"bytes"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/release"
)

// Next returns the state that follows s after e, and what is to be done once that
// state is durable. It does nothing else. An event that has no meaning in s changes
// nothing.
func Next(s State, e Event, f Facts) (State, []Effect) {
	switch e := e.(type) {
	case Started:
		return s.started(f)
	case Tick:
		return s.tick(f)
	case Offered:
		return s.offered(e, f)
	case Withdrawn:
		if s.Hand || s.Path != "" || s.Phase != release.Downloading && s.Phase != release.Staged {
			return s, nil
		}
		return s.reset(), []Effect{Halt{}} // what is there stays: it may be offered again
	case Got:
		if s.Phase == release.Downloading {
			s.Have = min(e.Have, s.Target.Size)
			s.Spent = s.Spent.and(e.New, f.Now)
			s.Fetched += e.New
			s.Fetch = s.Fetched + e.Left
			if s.Whole != release.WholeRoom || e.Whole != release.WholeBase { // it gave way
				s.Whole = e.Whole
			}
		}
		return s, nil
	case Whole:
		if s.Phase == release.Downloading {
			s.Phase, s.Have = release.Staged, s.Target.Size
		}
		return s, nil
	case Cut:
		return s.cut(e, f)
	case Spoiled:
		return s.spoil(e, f)
	case InstallEnded:
		return s.installEnded(e, f)
	case Marked:
		s.Good = f.Boot
		if s.Phase == release.Trial {
			s = s.end(release.CodeGood, f)
			s.Keeps = true
			return s, []Effect{Keep{}, WriteNotes{}}
		}
		return s, nil
	case Kept:
		s.Keeps = false
		return s, nil
	case Noted:
		s.Notes = slices.Clone(s.Notes[min(e.N, len(s.Notes)):])
		return s, nil
	case Told:
		if s.Last.Build == e.Build {
			s.Untold = false
		}
		return s, nil
	case Learned:
		s.Lists = e.Lists
		return s, nil
	}
	return s, nil
}

// offered takes a release on, or says why not.
func (s State) offered(e Offered, f Facts) (State, []Effect) {
	r, now := e.Release, e.Hand && !e.Wait
	switch s.Phase {
	case release.Installing, release.Installed, release.Trial, release.Leaving:
		return s, nil // one at a time
	case release.Downloading, release.Staged:
		same := bytes.Equal(s.Target.SHA256, r.Content.SHA256[:])
		switch {
		case same && s.Hand == (s.Hand || now) && (s.Path == e.Path || e.Path == ""):
			return s, nil
		case same && s.Phase == release.Staged:
			s.Hand = s.Hand || now // the same, and now somebody waits for it
			return s, nil
		case !e.Hand && (s.Hand || r.Build <= s.Target.Build):
			return s, nil // what a person asked for is not pushed aside
		}
	}
	if code := refusal(s, e, f); code != "" {
		refused := release.Outcome{Build: r.Build, Version: r.Version, Code: code, At: f.Now.UTC()}
		if e.Hand || s.Last.Build != refused.Build { // how it ended here stays known
			s.Last, s.Untold = refused, true
		}
		return s, nil
	}
	n := s.reset()
	n.Phase, n.Signed, n.Path, n.Hand = release.Downloading, r.Signed(), e.Path, now
	n.Target = Target{r.Build, r.Version, r.Content.Size, slices.Clone(r.Content.SHA256[:]), r.By}
	if e.Again {
		n.Bad = slices.DeleteFunc(slices.Clone(n.Bad), func(b uint64) bool { return b == r.Build })
	}
	do := []Effect{Halt{}}
	switch {
	case s.Phase != release.Idle && !bytes.Equal(s.Target.SHA256, n.Target.SHA256):
		do = []Effect{Drop{}}
	case s.Keeps: // before anything is written over it
		do = []Effect{Keep{}}
	}
	n, more := n.makeRoom(f)
	return n, slices.Concat(do, more, n.fetch(f))
}

// refusal says why a release is not for this kiosk; "": it is.
func refusal(s State, e Offered, f Facts) release.Code {
	r := e.Release
	switch {
	case r.Board != f.Own.Board:
		return release.CodeBoard
	case r.Build <= f.Own.Build:
		return release.CodeOlder
	case !r.Formats.Has(f.Own.Format):
		return release.CodeFormat
	case r.Ring < f.Own.Ring:
		return release.CodeRing
	case slices.Contains(s.Bad, r.Build) && !e.Again:
		return release.CodeBad
	case f.Slot > 0 && r.Room > f.Slot, r.Content.Size > f.Room+f.Base:
		return release.CodeSize
	}
	return ""
}

// makeRoom gives up the bundle that is kept where the disk has no room for it beside
// what is under way, or for what the kiosk is for.
func (s State) makeRoom(f Facts) (State, []Effect) {
	need := int64(0)
	if s.Phase == release.Downloading || s.Phase == release.Staged {
		need = s.Target.Size
	}
	if f.Base == 0 || f.Room >= need {
		return s, nil
	}
	return s.giveUpBase()
}

func (s State) giveUpBase() (State, []Effect) {
	if s.Phase == release.Downloading && s.Path == "" && s.Whole == "" {
		s.Whole = release.WholeRoom
	}
	return s, []Effect{DropBase{}}
}

// zone is Turkmenistan's.
var zone = time.FixedZone("TMT", 5*60*60)

// and adds bytes to the day's.
func (p Spent) and(n int64, now time.Time) Spent {
	if day := now.In(zone).Format(time.DateOnly); day != p.Day {
		p = Spent{Day: day}
	}
	p.Bytes += n
	return p
}

// On returns what was spent on the day of now.
func (p Spent) On(now time.Time) int64 { return p.and(0, now).Bytes }

// fetch returns what gets on with a download now.
func (s State) fetch(f Facts) []Effect {
	if s.Path != "" || f.Link {
		return []Effect{Fetch{}}
	}
	return []Effect{Halt{}}
}

// cut is a download that ended early. From the portal it goes on; of a stick that has
// gone nothing more comes.
func (s State) cut(e Cut, f Facts) (State, []Effect) {
	if s.Phase != release.Downloading {
		return s, nil
	}
	if e.Full && f.Base > 0 {
		s, do := s.giveUpBase()
		return s, append(do, s.fetch(f)...)
	}
	switch {
	case s.Path == "":
		return s, nil
	case e.Full:
		s = s.end(release.CodeSize, f)
	default:
		s = s.end(release.CodeInterrupted, f)
	}
	return s, []Effect{Drop{}, WriteNotes{}} // the disk is not kept full for who may not come again
}

// spoil is a bundle that came wrong: from a stick it comes no better, from the portal
// it is fetched again, a few times. A difference that came wrong says nothing of the
// bundle: the rest of it is fetched, behind what is right.
func (s State) spoil(e Spoiled, f Facts) (State, []Effect) {
	if s.Phase != release.Downloading && s.Phase != release.Staged {
		return s, nil
	}
	if e.Differs && s.Whole != release.WholeDamaged {
		s.Phase, s.Whole = release.Downloading, release.WholeDamaged
		return s, s.fetch(f)
	}
	s.Phase, s.Have, s.Fetched = release.Downloading, 0, 0
	s.Spoiled++
	if s.Path != "" || s.Spoiled >= maxSpoiled {
		return s.end(release.CodeCorrupt, f), []Effect{Drop{}, WriteNotes{}}
	}
	return s, append([]Effect{Drop{}}, s.fetch(f)...)
}
