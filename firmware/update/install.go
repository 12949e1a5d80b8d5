package update

import (
	"slices"

	"github.com/penjire/penjire/sync/release"
)

// started is where everything that was cut off goes on, or back.
func (s State) started(f Facts) (State, []Effect) {
	arrived := s.Target.Build == f.Own.Build
	rebooted := s.Boot != f.Boot
	var do []Effect
	switch s.Phase {
	case release.Idle:
		if slices.Contains(s.Bad, f.Own.Build) && (s.Last.Build != f.Own.Build || s.Last.Code != release.CodeStuck) {
			// The boot loader fell back to what had failed: the other is better.
			s.Target = Target{Build: f.Own.Build, Version: f.Own.Version}
			return s.leave(release.CodeBoot, f)
		}
	case release.Downloading:
		if !arrived {
			s, do = s.makeRoom(f)
			do = append(do, s.fetch(f)...)
			break
		}
		s = s.onTrial()
	case release.Staged, release.Installing, release.Installed:
		switch {
		case arrived:
			// Also where the power went after RAUC's last write, before anybody knew.
			s = s.onTrial()
		case s.Phase == release.Staged:
		case s.Phase == release.Installing:
			// Nobody knows how far RAUC came: the slot is written anew. Where it was done
			// and the other slot does not start, this costs one more try.
			s.Phase = release.Staged
			if s.Tries >= maxTries {
				s, do = s.end(release.CodeInstall, f), []Effect{Drop{}}
			}
		case rebooted: // the boot loader came back to where it was
			s, do = s.end(release.CodeBoot, f), []Effect{Drop{}}
		}
	case release.Trial:
		switch {
		case !arrived: // it did not stay up, and its tries were over
			s, do = s.end(release.CodeBoot, f), []Effect{Drop{}}
		default:
			if s.Starts++; s.Starts > maxStarts {
				return s.leave(release.CodeRestarts, f)
			}
		}
	case release.Leaving:
		switch {
		case !arrived:
			s, do = s.end(s.Why, f), []Effect{Drop{}}
		case s.Tries < maxTries:
			s.Tries++
			s.Boot = f.Boot
			do = []Effect{Leave{}}
		default: // the other does not start either: one that runs is better than none
			s, do = s.end(release.CodeStuck, f), []Effect{Drop{}, MarkGood{}}
		}
	}
	return s, append(do, s.rest()...)
}

// rest returns what was to be done beside, and may not have been.
func (s State) rest() (do []Effect) {
	if s.Keeps {
		do = append(do, Keep{})
	}
	if len(s.Notes) > 0 {
		do = append(do, WriteNotes{})
	}
	return do
}

// onTrial begins the trial of what was installed.
func (s State) onTrial() State {
	s.Phase, s.Starts, s.Tries = release.Trial, 1, 0
	return s
}

// settled is how long the daemon has to run before the slot of a kiosk that is not on
// trial is marked good: whatever is wrong with it, going to the other would not mend
// it, but one that does not come this far may.
const settled = leastTrial

// tick is time that passes.
func (s State) tick(f Facts) (State, []Effect) {
	var do []Effect
	switch s.Phase {
	case release.Idle, release.Downloading, release.Staged:
		if s.Good != f.Boot && f.Up >= settled {
			do = append(do, MarkGood{})
		}
		var more []Effect
		s, more = s.makeRoom(f)
		do = append(do, more...)
	}
	do = append(do, s.rest()...)
	switch s.Phase {
	case release.Downloading:
		do = append(do, s.fetch(f)...)
	case release.Staged:
		// The slot that runs has to be the one that starts if the other does not.
		if s.Good == f.Boot && s.due(f) {
			s.Phase, s.Boot, s.Before, s.Detail = release.Installing, f.Boot, f.Health, ""
			s.Tries++
			do = append(do, Install{})
		}
	case release.Installed:
		if s.calm(f) {
			do = append(do, Reboot{})
		}
	case release.Trial:
		switch code, done := Judge(s.Before, f.Health, f.Up); {
		case done && code == release.CodeGood:
			do = append(do, MarkGood{})
		case done:
			return s.leave(code, f)
		}
	}
	return s, do
}

// leave gives up on the build that runs.
func (s State) leave(why release.Code, f Facts) (State, []Effect) {
	s.Phase, s.Why, s.Boot, s.Tries = release.Leaving, why, f.Boot, 1
	return s, []Effect{Leave{}}
}

// installEnded takes RAUC's word.
func (s State) installEnded(e InstallEnded, f Facts) (State, []Effect) {
	if s.Phase != release.Installing {
		return s, nil
	}
	s.Detail = e.Detail
	if e.Code == "" {
		s.Phase = release.Installed
		if s.calm(f) {
			return s, []Effect{Reboot{}}
		}
		return s, nil
	}
	if s.Tries >= maxTries || s.Hand || e.Code != release.CodeInstall {
		return s.end(e.Code, f), []Effect{Drop{}, WriteNotes{}}
	}
	s.Phase, s.NotYet = release.Staged, f.Now.Add(againAfter)
	return s, nil
}
