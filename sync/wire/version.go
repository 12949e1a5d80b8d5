package wire

// Version is the newest version of the protocol that this package speaks. The
// history of the versions is in wire.md, section 12.
const Version = 1

// Oldest is the oldest one. It may be dropped only when Version is more than Back
// above it: kiosks are updated late, and some only when somebody drives there
// (WIRE-SES-18).
const Oldest = 1

// Back is how many versions before its newest a portal serves at least.
const Back = 3

// Versions is a range of versions that an end speaks.
type Versions struct{ Oldest, Newest uint }

// Spoken is what this package speaks.
var Spoken = Versions{Oldest, Version}

// Choose returns the newest version that both speak; false: there is none
// (WIRE-SES-2).
func (v Versions) Choose(other Versions) (uint, bool) {
	n := min(v.Newest, other.Newest)
	return n, n >= max(v.Oldest, other.Oldest)
}

// Has says whether n is one of them.
func (v Versions) Has(n uint) bool { return v.Oldest <= n && n <= v.Newest }

// Versions returns what the kiosk speaks.
func (f *Hello) Versions() Versions { return Versions{f.Oldest, f.Newest} }
