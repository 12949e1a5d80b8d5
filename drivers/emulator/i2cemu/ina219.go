package i2cemu

import (
	"encoding/binary"
	"math"
	"sync"
)

// INA219 is a meter chip (TI SBOS448G) at a shunt of a tenth of an ohm.
type INA219 struct {
	mu   sync.Mutex
	regs [6]uint16
	ptr  byte
	fix  bool // its configuration cannot be changed
}

// NewINA219 returns a chip that was just given power, at a battery.
func NewINA219(volts, amperes float64) *INA219 {
	m := &INA219{regs: [6]uint16{0: 0x399F}}
	m.Measure(volts, amperes)
	return m
}

// Measure puts voltage and current at the chip.
func (m *INA219) Measure(volts, amperes float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.regs[1] = uint16(int16(math.Round(amperes * 0.1 / 1e-5)))
	m.regs[2] = uint16(math.Round(volts/0.004))<<3 | 2
}

// Put writes a register as it is.
func (m *INA219) Put(reg int, v uint16) { m.mu.Lock(); m.regs[reg] = v; m.mu.Unlock() }

// Fix keeps its configuration from being changed.
func (m *INA219) Fix(fix bool) { m.mu.Lock(); m.fix = fix; m.mu.Unlock() }

// Write implements Chip.
func (m *INA219) Write(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ptr = b[0] % byte(len(m.regs))
	if len(b) == 3 && (m.ptr == 0 && !m.fix || m.ptr == 5) {
		m.regs[m.ptr] = binary.BigEndian.Uint16(b[1:])
	}
}

// Read implements Chip.
func (m *INA219) Read(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var r [2]byte
	binary.BigEndian.PutUint16(r[:], m.regs[m.ptr])
	for i := range b {
		b[i] = r[i%2]
	}
}
