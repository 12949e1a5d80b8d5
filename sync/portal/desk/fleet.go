package desk

import (
	"cmp"
	"crypto/x509"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
)

// What the fleet's plot shows: so many bars, each of so long, up to now.
const (
	plotBars = 28
	plotBar  = 6 * time.Hour
	// barWidth and plotHigh are its measures.
	barWidth, plotHigh = 4, 24
)

// newly is how long an alarm weighs in the order of the fleet.
const newly = 7 * 24 * time.Hour

// kiosk is one line of the fleet.
type kiosk struct {
	ledger.Kiosk
	Connected bool
	Quiet     bool      // not seen for long
	Stuck     bool      // a request waits for long (ED-25)
	Older     bool      // its catalogue or bundle is not the newest
	Unlisted  bool      // the trust bundle has no certificate that its seals are checked by
	Forks     int       // of the alarms that the page has
	Restored  int       // it has what the portal's store lost
	Recent    int       // alarms of the last days
	Failed    string    // in words: how its last update went wrong; "": it did not
	Ends      time.Time // of the certificate that ends first; zero: this portal issued none
	Ending    bool      // it should have been renewed by now
	Plot      plot
}

// plot is what a kiosk brought, by time.
type plot struct {
	Bars  []bar
	Total int64
}

// bar is one bar, in the picture's units.
type bar struct{ X, Y, W, H int }

// fleetOrders are how the fleet can be ordered; the first is how it is.
var fleetOrders = []string{"worst", "id", "seen", "oldest", "alarms", "software"}

// listed reports whether the bundle has a certificate of the kiosk that is in force.
func listed(b *trust.Bundle, kiosk string, now time.Time) bool {
	return slices.ContainsFunc(b.SealSigners, func(c *x509.Certificate) bool {
		return trust.DeviceID(c) == kiosk && !now.Before(c.NotBefore) && !now.After(c.NotAfter)
	})
}

// order sorts the fleet. Worst first: who has a citizen waiting for longest, then
// who is silent for longest, then whose update failed, then whose certificate ends, then
// who raised alarms, then who has most unsent.
func order(all []kiosk, by string) {
	oldest := func(a, b kiosk) int { // a request's age; none is last
		x, y := a.Visit.Oldest, b.Visit.Oldest
		return cmp.Or(-cmpBool(a.Visit.Unsent > 0 && !x.IsZero(), b.Visit.Unsent > 0 && !y.IsZero()), x.Compare(y))
	}
	seen := func(a, b kiosk) int { return cmp.Or(cmpBool(a.Connected, b.Connected), a.Visit.At.Compare(b.Visit.At)) }
	alarms := func(a, b kiosk) int {
		return cmp.Or(-cmp.Compare(a.Forks+a.Restored, b.Forks+b.Restored), -cmp.Compare(a.Recent, b.Recent))
	}
	slices.SortStableFunc(all, func(a, b kiosk) int {
		id := cmp.Compare(a.ID, b.ID)
		switch by {
		case "id":
			return id
		case "seen":
			return cmp.Or(seen(a, b), id)
		case "oldest":
			return cmp.Or(oldest(a, b), id)
		case "alarms":
			return cmp.Or(alarms(a, b), -cmp.Compare(a.Alarms, b.Alarms), id)
		case "software":
			return cmp.Or(cmp.Compare(a.Visit.Software, b.Visit.Software), id)
		}
		if a.Stuck != b.Stuck {
			return -cmpBool(a.Stuck, b.Stuck)
		}
		if a.Stuck {
			return cmp.Or(oldest(a, b), id)
		}
		if a.Quiet != b.Quiet {
			return -cmpBool(a.Quiet, b.Quiet)
		}
		if a.Quiet {
			return cmp.Or(seen(a, b), id)
		}
		if x, y := a.Failed != "", b.Failed != ""; x != y {
			return -cmpBool(x, y)
		}
		if a.Ending != b.Ending {
			return -cmpBool(a.Ending, b.Ending)
		}
		return cmp.Or(alarms(a, b), -cmp.Compare(a.Visit.Unsent, b.Visit.Unsent), id)
	})
}

func cmpBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// weigh counts the alarms of a kiosk.
func (k *kiosk) weigh(alarms []ledger.Alarm, now time.Time) {
	for _, a := range alarms {
		if a.Kiosk != k.ID {
			continue
		}
		switch a.Code {
		case ledger.AlarmFork:
			k.Forks++
		case ledger.AlarmRestored:
			k.Restored++
		}
		if now.Sub(a.At) < newly {
			k.Recent++
		}
	}
}

// plots draws what each kiosk brought. The highest bar of all is as high as the
// picture, so that kiosks can be compared.
func plots(traffic []ledger.Traffic, now time.Time) map[string]plot {
	sums := map[string]*[plotBars]int64{}
	most := int64(1)
	for _, t := range traffic {
		i := plotBars - 1 - int(now.Sub(t.Hour)/plotBar)
		if i < 0 || i >= plotBars {
			continue
		}
		s := sums[t.Kiosk]
		if s == nil {
			s = new([plotBars]int64)
			sums[t.Kiosk] = s
		}
		s[i] += t.Records
		most = max(most, s[i])
	}
	out := map[string]plot{}
	for k, s := range sums {
		var p plot
		for i, n := range s {
			if n == 0 {
				continue
			}
			h := max(2, int(n*plotHigh/most)) // what is there is seen
			p.Bars = append(p.Bars, bar{i * barWidth, plotHigh - h, barWidth - 1, h})
			p.Total += n
		}
		out[k] = p
	}
	return out
}
