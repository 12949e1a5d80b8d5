package ds3231

import (
	"fmt"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// decode returns the time in registers 0x00 to 0x0F.
func decode(r []byte) (time.Time, error) {
	if len(r) != 16 {
		return time.Time{}, fmt.Errorf("got %d registers, want 16: %w", len(r), device.ErrProtocol)
	}
	bad := func() (time.Time, error) {
		return time.Time{}, fmt.Errorf("registers % x hold no time: %w", r[:7], device.ErrProtocol)
	}
	// The bits that are always zero tell noise and other chips at this address.
	for i, zero := range [7]byte{0x80, 0x80, 0x80, 0xF8, 0xC0, 0x60, 0} {
		if r[i]&zero != 0 {
			return bad()
		}
	}
	if r[regStatus]&0x70 != 0 {
		return bad()
	}
	if r[regStatus]&bitStopped != 0 {
		return time.Time{}, device.ErrClockStopped
	}
	hour, ok := number(r[2], 0x3F, 0, 23)
	if r[2]&0x40 != 0 {
		hour, ok = number(r[2], 0x1F, 1, 12)
		hour %= 12
		if r[2]&0x20 != 0 {
			hour += 12
		}
	}
	sec, ok1 := number(r[0], 0x7F, 0, 59)
	minute, ok2 := number(r[1], 0x7F, 0, 59)
	day, ok3 := number(r[4], 0x3F, 1, 31)
	month, ok4 := number(r[5], 0x1F, 1, 12)
	year, ok5 := number(r[6], 0xFF, 0, 99)
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return bad()
	}
	year += 2000
	if r[5]&0x80 != 0 {
		year += 100
	}
	t := time.Date(year, time.Month(month), day, hour, minute, sec, 0, time.UTC)
	if t.Day() != day {
		return bad() // 31 February
	}
	return t, nil
}

// number returns the two decimal digits in the bits of mask.
func number(b, mask byte, lo, hi int) (int, bool) {
	b &= mask
	n := int(b>>4)*10 + int(b&15)
	return n, b&15 <= 9 && b>>4 <= 9 && n >= lo && n <= hi
}

// encode returns registers 0x00 to 0x06 for t, which is UTC: 24 hours, the day of
// the week counted from Sunday as 1.
func encode(t time.Time) (r [7]byte, err error) {
	if t.Year() < 2000 || t.Year() > 2199 {
		return r, fmt.Errorf("got year %d, want 2000 to 2199: %w", t.Year(), device.ErrUnsupported)
	}
	bcd := func(n int) byte { return byte(n/10<<4 | n%10) }
	r = [7]byte{
		bcd(t.Second()), bcd(t.Minute()), bcd(t.Hour()), byte(t.Weekday()) + 1,
		bcd(t.Day()), bcd(int(t.Month())), bcd(t.Year() % 100),
	}
	if t.Year() >= 2100 {
		r[5] |= 0x80
	}
	return r, nil
}
