package desk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/page"
	"github.com/penjire/penjire/sync/portal/rollout"
	"github.com/penjire/penjire/sync/release"
)

// Rollout is what the desk needs to let releases out; *rollout.Rollout is one.
type Rollout interface {
	LetOut(ctx context.Context, board string, build uint64, ring release.Ring, by string) error
	Pause(ctx context.Context, board string, build uint64, why, by string) error
	Resume(ctx context.Context, board string, build uint64, by string) error
	// Beyond returns how much is to be fetched of a release by who has the one before.
	Beyond(ctx context.Context, r ledger.Release) (before ledger.Release, n int64, err error)
}

type releasesView struct {
	page.Base
	Releases []releaseView
	Fleet    []softwareView
	Rings    []release.Ring
}

// releaseView is a release and how it stands.
type releaseView struct {
	ledger.Release
	Counts []rollout.Count
	Next   release.Ring // to let it out to; 0: it is as far as it may go
	Ended  []endedView
	Before string // version of the release before; "": what is new is not known
	Fetch  int64  // bytes that a kiosk fetches which has that one
}

// mb is a number of bytes in millions, rounded up: what is little is not nothing.
func mb(n int64) int64 { return (n + 999_999) / 1_000_000 }

// MB returns how large the bundle is, in millions of bytes.
func (v releaseView) MB() int64 { return mb(v.Size) }

// FetchMB returns how much of it is to be fetched, in millions of bytes.
func (v releaseView) FetchMB() int64 { return mb(v.Fetch) }

// Built is the time of the sources that a build's number is (release.md); nil for a
// number that is no time.
func (v releaseView) Built() *time.Time {
	const first = 1_700_000_000 // November 2023: before there was a kiosk
	if v.Build < first || v.Build > 1<<33 {
		return nil
	}
	t := time.Unix(int64(v.Build), 0)
	return &t
}

// endedView is a way in which it ended.
type endedView struct {
	Code  string
	Words release.Word
	Count int
	Bad   bool
}

// softwareView is a kiosk's line.
type softwareView struct {
	ledger.Software
	Report release.Report // zero: it never said
	Said   bool
	Phase  release.Word
	Last   release.Word
	Bad    bool // the last one failed
	Tell   bool // there is something to do about it
}

// FetchMB returns what the kiosk has to fetch, in millions of bytes.
func (v softwareView) FetchMB() int64 { return mb(v.Report.Fetch) }

// FetchedMB returns what it has fetched of that.
func (v softwareView) FetchedMB() int64 { return min(mb(v.Report.Fetched), v.FetchMB()) }

func (v softwareView) order() int {
	switch {
	case v.Bad:
		return 0
	case v.Tell:
		return 1
	}
	return 2
}

// Name returns the ring's name in the page's language.
func (v releasesView) Name(r any) string {
	n := release.Ring(0)
	switch r := r.(type) {
	case uint8:
		n = release.Ring(r)
	case release.Ring:
		n = r
	}
	if n == 0 {
		return "–"
	}
	return release.Say(v.Lang, "ring."+n.String()).Says
}

// releases is the operator's page of the kiosks' software.
func (d *Desk) releases(w http.ResponseWriter, r *http.Request, o Officer) {
	v := releasesView{Base: d.base(w, r, &o, "/desk/releases"), Rings: release.Rings}
	l := d.portal.Ledger()
	all, err := l.Releases(r.Context())
	var fleet []ledger.Software
	if err == nil {
		fleet, err = l.Software(r.Context())
	}
	var ended []ledger.Ended
	if err == nil {
		ended, err = l.Ended(r.Context())
	}
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	for _, x := range all {
		one := viewRelease(x, fleet, ended, v.Lang)
		if d.rollout != nil {
			if before, n, err := d.rollout.Beyond(r.Context(), x); err == nil {
				one.Before, one.Fetch = before.Version, n
			}
		}
		v.Releases = append(v.Releases, one)
	}
	for _, s := range fleet {
		v.Fleet = append(v.Fleet, viewSoftware(s, v.Lang))
	}
	slices.SortStableFunc(v.Fleet, func(a, b softwareView) int { // what needs somebody first
		return cmp.Compare(a.order(), b.order())
	})
	d.send(w, http.StatusOK, "releases", v)
}

func viewRelease(r ledger.Release, fleet []ledger.Software, ended []ledger.Ended, lang string) releaseView {
	v := releaseView{Release: r, Counts: rollout.Counts(r, fleet, ended)}
	if r.Ring < r.Widest {
		v.Next = release.Ring(r.Ring + 1)
	}
	sum := map[release.Code]int{}
	for _, c := range v.Counts {
		for code, n := range c.Codes {
			sum[code] += n
		}
	}
	for _, code := range release.Codes {
		if n := sum[code]; n > 0 {
			v.Ended = append(v.Ended, endedView{string(code), release.Say(lang, string(code)), n, code.Failed()})
		}
	}
	return v
}

func viewSoftware(s ledger.Software, lang string) softwareView {
	v := softwareView{Software: s}
	rep, err := release.ParseReport(s.Report)
	if err != nil {
		return v
	}
	v.Report, v.Said = rep, true
	if rep.Phase != release.Idle.String() {
		v.Phase = release.Say(lang, rep.Phase)
	}
	if rep.Last != nil {
		v.Last, v.Bad, v.Tell = release.Say(lang, string(rep.Last.Code)), rep.Last.Code.Failed(), rep.Last.Code != release.CodeGood
	}
	return v
}

// changeRelease lets a release out, pauses it or goes on with it.
func (d *Desk) changeRelease(w http.ResponseWriter, r *http.Request, o Officer) {
	board := r.PathValue("board")
	build, err := strconv.ParseUint(r.PathValue("build"), 10, 64)
	if err != nil || d.rollout == nil {
		d.fail(w, r, o, ledger.ErrNotFound)
		return
	}
	ctx := context.WithoutCancel(r.Context()) // a change is made whole
	switch r.PostFormValue("do") {
	case "out":
		var ring release.Ring
		if ring, err = release.ParseRing(r.PostFormValue("ring")); err == nil {
			err = d.rollout.LetOut(ctx, board, build, ring, o.ID)
		}
	case "pause":
		err = d.rollout.Pause(ctx, board, build, ledger.PausedByOperator, o.ID)
	case "resume":
		err = d.rollout.Resume(ctx, board, build, o.ID)
	default:
		err = ledger.ErrNotFound
	}
	if errors.Is(err, rollout.ErrWidest) {
		err = ledger.ErrNotFound // the page has no such button
	}
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	d.log.Info("desk: changed a release", "board", board, "build", build, "do", r.PostFormValue("do"), "officer", o.ID)
	http.Redirect(w, r, "/desk/releases", http.StatusSeeOther)
}

// changeRing puts a kiosk into a ring.
func (d *Desk) changeRing(w http.ResponseWriter, r *http.Request, o Officer) {
	kiosk, ring := r.PathValue("kiosk"), release.Ring(0)
	fleet, err := d.portal.Ledger().Software(r.Context())
	if err == nil && !slices.ContainsFunc(fleet, func(s ledger.Software) bool { return s.Kiosk == kiosk }) {
		err = ledger.ErrNotFound
	}
	if name := strings.TrimSpace(r.PostFormValue("ring")); err == nil && name != "own" {
		if ring, err = release.ParseRing(name); err != nil {
			err = ledger.ErrNotFound
		}
	}
	if err == nil {
		err = d.portal.Ledger().AssignRing(context.WithoutCancel(r.Context()), kiosk, uint8(ring), o.ID, d.now())
	}
	if err != nil {
		d.fail(w, r, o, err)
		return
	}
	d.log.Info("desk: put a kiosk into a ring", "kiosk", kiosk, "ring", ring.String(), "officer", o.ID)
	http.Redirect(w, r, "/desk/releases#fleet", http.StatusSeeOther)
}
