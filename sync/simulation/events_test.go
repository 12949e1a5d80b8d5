package simulation

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/portal"
)

// plan is what may happen in a seed: not everything in each, or nothing would
// ever get far.
type plan struct {
	steps    int
	room     int64 // of the outbox
	faults   map[string]bool
	large    bool
	cardless bool
	disks    bool  // every medium is a disk of its own
	reserve  int64 // of the portal's
	quota    portal.Quota
	uploads  ledger.Quota
}

// faultNames are the kinds of faults of which each seed has some.
var faultNames = []string{
	"kiosk", "portal", "torn", "line", "silent", "frames", "clock", "stick", "portal full", "unsure", "clone", "old card", "backup", "updates", "kiosk full",
	"second", "mirror", "kiosk backup", "breaks", "portal clock", "busy", "slow agency", "bad stick", "bad records", "large",
	"kiosk disk", "mirror disk", "portal disk", "quota",
}

func newPlan(r *rand.Rand) plan {
	p := plan{steps: 30 + r.IntN(130), faults: map[string]bool{}}
	few := r.IntN(4) == 0
	for _, f := range faultNames {
		share := 3 // one of three
		switch f {
		case "clone", "old card", "backup", "kiosk full", "frames", "kiosk disk", "portal disk", "quota":
			share = 8
		case "second", "large", "mirror", "kiosk backup", "breaks", "busy", "slow agency":
			share = 5
		case "portal clock":
			share = 10
		}
		if few {
			share *= 3
		}
		p.faults[f] = r.IntN(share) == 0
	}
	for f := range strings.SplitSeq(*with, ",") {
		if f != "" {
			p.faults[f] = true
		}
	}
	if p.faults["kiosk full"] {
		p.room = outbox.MinSize
	}
	p.large = p.faults["kiosk full"] || p.faults["large"]
	p.faults["breaks"] = p.faults["breaks"] && (p.faults["mirror"] || p.faults["kiosk backup"])
	p.cardless = r.IntN(24) == 0
	p.faults["mirror disk"] = p.faults["mirror disk"] && p.faults["mirror"]
	for _, f := range []string{"kiosk disk", "mirror disk", "portal disk"} {
		p.faults[f] = p.faults[f] && disksFill()
		p.disks = p.disks || p.faults[f]
	}
	p.reserve = 64 << 10 << r.IntN(6)
	if p.faults["quota"] {
		p.quota, p.uploads = quotas(r)
	}
	return p
}

// papers returns the numbers of the papers that citizens hand in, in order;
// corrections have their own time.
func (p plan) papers(r *rand.Rand, w *world) []int {
	var small, many, big []int
	for i, d := range w.pool {
		switch {
		case d.corrects >= 0, d.service == "complaint" && !p.cardless, d.bad && !p.faults["bad records"]:
		case d.medium:
			many = append(many, i)
		case d.large:
			big = append(big, i)
		default:
			small = append(small, i)
		}
	}
	r.Shuffle(len(small), func(i, j int) { small[i], small[j] = small[j], small[i] })
	small = small[:min(len(small), 3+r.IntN(14))]
	if p.faults["kiosk full"] {
		big = append(big, many...)
	}
	if p.large {
		small = append(big, small...)
		r.Shuffle(len(small), func(i, j int) { small[i], small[j] = small[j], small[i] })
	}
	return small
}

// An event does something and says whether there was anything to do.
type event struct {
	name   string
	weight int
	fault  string // it happens only where the plan has this fault
	do     func(s *sim, r *rand.Rand) bool
}

var events []event

func init() {
	events = []event{
		{"carry", 34, "", (*sim).carry},
		{"accept", 12, "", (*sim).accept},
		{"a crowd", 10, "kiosk full", func(s *sim, r *rand.Rand) bool {
			for range 6 {
				s.accept(r)
			}
			return true
		}},
		{"print", 8, "", (*sim).print},
		{"decide", 9, "", (*sim).decide},
		{"wait a little", 8, "", func(s *sim, r *rand.Rand) bool { s.wait(time.Duration(r.Int64N(int64(90 * time.Second)))); return true }},
		{"wait long", 2, "", func(s *sim, r *rand.Rand) bool { s.wait(time.Duration(r.Int64N(int64(3 * time.Hour)))); return true }},
		{"withdraw", 4, "", (*sim).withdraw},
		{"print again", 3, "", (*sim).printAgain},
		{"answer", 6, "", (*sim).answer},
		{"hand in again", 2, "", (*sim).again},
		{"boot", 14, "", (*sim).boot},
		{"restart", 1, "", (*sim).restart},
		{"power", 3, "kiosk", (*sim).power},
		{"fuse", 6, "kiosk", (*sim).lightKiosk},
		{"portal crash", 2, "portal", (*sim).crash},
		{"portal fuse", 6, "portal", (*sim).lightPortal},
		{"cut", 3, "line", (*sim).cut},
		{"no line", 2, "line", (*sim).noLine},
		{"silent", 3, "silent", (*sim).silence},
		{"frames", 8, "frames", (*sim).spoil},
		{"clock", 3, "clock", (*sim).clock},
		{"portal clock", 3, "portal clock", (*sim).portalClock},
		{"portal full", 3, "portal full", (*sim).portalFull},
		{"busy", 4, "busy", (*sim).busy},
		{"the kiosk's disk", 6, "kiosk disk", (*sim).kioskDisk},
		{"the mirror's disk", 4, "mirror disk", (*sim).mirrorDisk},
		{"the portal's disk", 6, "portal disk", (*sim).portalDisk},
		{"a day passes", 1, "slow agency", func(s *sim, r *rand.Rand) bool { s.wait(time.Duration(r.Int64N(int64(30 * time.Hour)))); return true }},
		{"mirror comes or goes", 2, "mirror", (*sim).moveMirror},
		{"back up the kiosk", 3, "kiosk backup", (*sim).backUpKiosk},
		{"kiosk breaks", 2, "breaks", (*sim).breaks},
		{"unsure", 3, "unsure", (*sim).unsure},
		{"keep a copy", 3, "clone", (*sim).copyCard},
		{"clone", 2, "clone", (*sim).clone},
		{"keep a copy", 3, "old card", (*sim).copyCard},
		{"old card", 2, "old card", (*sim).putBack},
		{"back up", 3, "backup", (*sim).backUp},
		{"restore", 2, "backup", (*sim).restore},
		{"export", 4, "stick", (*sim).export},
		{"carry a stick", 7, "stick", (*sim).carryStick},
		{"update", 2, "updates", (*sim).update},
	}
}

// event does one of the events that the plan has, or brings frames on where it
// finds nothing to do.
func (s *sim) event(r *rand.Rand) {
	total := 0
	for _, e := range events {
		if e.fault == "" || s.plan.faults[e.fault] {
			total += e.weight
		}
	}
	n := r.IntN(total)
	for _, e := range events {
		if e.fault != "" && !s.plan.faults[e.fault] {
			continue
		}
		if n -= e.weight; n < 0 {
			if e.do(s, r) {
				s.count("event: " + e.name)
			} else if !s.carry(r) {
				s.wait(time.Duration(r.Int64N(int64(20 * time.Second))))
			}
			return
		}
	}
}

// pick returns a machine that runs.
func (s *sim) pick(r *rand.Rand) *machine {
	l := s.live()
	if len(l) == 0 {
		return nil
	}
	return l[r.IntN(len(l))]
}
