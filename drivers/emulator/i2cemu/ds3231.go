package i2cemu

import (
	"sync"
	"time"
)

// DS3231 is a clock chip (Maxim DS3231, 19-5170). A new one has never been set: its
// oscillator has been stopped.
type DS3231 struct {
	mu      sync.Mutex
	regs    [0x13]byte
	ptr     byte
	set     time.Time // the clock's time at since, by the calendar in UTC
	since   time.Time
	started bool
	stopped bool // OSF
}

// NewDS3231 returns a chip that was just given its battery.
func NewDS3231() *DS3231 {
	return &DS3231{set: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), since: time.Now(), stopped: true, regs: [0x13]byte{0x0E: 0x1C}}
}

// LosePower is a battery that was taken out: the time is gone.
func (d *DS3231) LosePower() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.set, d.since, d.stopped = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Now(), true
}

// Hours12 makes the chip show twelve hours, as another system may have left it.
func (d *DS3231) Hours12() { d.mu.Lock(); d.regs[2] |= 0x40; d.mu.Unlock() }

// Put writes a register as it is: noise, or another chip's.
func (d *DS3231) Put(reg, v byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.show()
	d.regs[reg] = v
	if reg <= 6 {
		d.started = false // it does not run any more: what was put stays
	}
}

func bcd(n int) byte { return byte(n/10<<4 | n%10) }

// show puts the running time into the registers. d.mu is held.
func (d *DS3231) show() {
	if d.stopped {
		d.regs[0x0F] |= 0x80
	}
	if !d.started && !d.stopped {
		return
	}
	now := d.set.Add(time.Since(d.since))
	hour := bcd(now.Hour())
	if d.regs[2]&0x40 != 0 {
		hour = 0x40 | bcd((now.Hour()+11)%12+1)
		if now.Hour() >= 12 {
			hour |= 0x20
		}
	}
	month := bcd(int(now.Month()))
	if now.Year() >= 2100 {
		month |= 0x80
	}
	copy(d.regs[:], []byte{
		bcd(now.Second()), bcd(now.Minute()), hour, byte(now.Weekday()) + 1, bcd(now.Day()), month, bcd(now.Year() % 100),
	})
}

// Write implements Chip.
func (d *DS3231) Write(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.show()
	d.ptr = b[0]
	clock := false
	for _, x := range b[1:] {
		if int(d.ptr) >= len(d.regs) {
			d.ptr = 0
		}
		switch {
		case d.ptr == 0x0F:
			d.stopped = d.stopped && x&0x80 != 0 // it can be cleared and not set
			x = x&^0x80 | d.regs[0x0F]&0x80&x
		case d.ptr <= 6:
			clock = true
		}
		d.regs[d.ptr] = x
		d.ptr++
	}
	if clock {
		d.run()
	}
}

// run starts the clock from its registers. d.mu is held.
func (d *DS3231) run() {
	n := func(b byte) int { return int(b>>4)*10 + int(b&15) }
	r := d.regs
	hour := n(r[2] & 0x3F)
	if r[2]&0x40 != 0 {
		hour = n(r[2]&0x1F) % 12
		if r[2]&0x20 != 0 {
			hour += 12
		}
	}
	year := 2000 + n(r[6])
	if r[5]&0x80 != 0 {
		year += 100
	}
	d.set = time.Date(year, time.Month(n(r[5]&0x1F)), n(r[4]), hour, n(r[1]), n(r[0]), 0, time.UTC)
	d.since, d.started = time.Now(), true
}

// Read implements Chip.
func (d *DS3231) Read(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.show()
	for i := range b {
		if int(d.ptr) >= len(d.regs) {
			d.ptr = 0
		}
		b[i] = d.regs[d.ptr]
		d.ptr++
	}
}
