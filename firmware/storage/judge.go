package storage

// Worry says what is to be told of a medium.
type Worry struct {
	Worn   bool // it comes to the end of its life: replace it while it still works
	Faulty bool // it lost or refused something: replace it
	Tight  bool // little room is left
}

const (
	// wornAt is from which part of its promised life on a medium is to be replaced.
	wornAt, spentAt = 90, 80
	// tightAt is the part of a file system, in percent, and leastFree the bytes, below
	// which both its free room is called little.
	tightAt, leastFree = 10, 512 << 20
)

// Judge says what is to be told of m. What is not known is no worry.
func Judge(m Medium) Worry {
	return Worry{
		Worn:   m.Worn >= wornAt || m.Spent >= spentAt,
		Faulty: m.Errors > 0 || m.ReadOnly,
		Tight:  m.Room > 0 && m.Free < leastFree && m.Free < m.Room/100*tightAt,
	}
}
