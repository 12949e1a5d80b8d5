package ccnet

import (
	"fmt"

	"github.com/penjire/penjire/drivers/device"
)

// What POLL is answered with (section 5.5).
const (
	stPowerUp      = 0x10
	stBillInHead   = 0x11 // power came back with a bill that RESET returns
	stBillTooFar   = 0x12 // … with a bill that RESET stacks, and then says so
	stInitialize   = 0x13
	stIdling       = 0x14
	stAccepting    = 0x15
	stStacking     = 0x17
	stReturning    = 0x18
	stDisabled     = 0x19
	stHolding      = 0x1A
	stBusy         = 0x1B
	stRejecting    = 0x1C
	stFull         = 0x41 // the same bytes as the command for the bill table
	stRemoved      = 0x42
	stJam          = 0x43
	stCassetteJam  = 0x44
	stCheated      = 0x45
	stPause        = 0x46
	stFailure      = 0x47
	stEscrow       = 0x80
	stStacked      = 0x81
	stReturned     = 0x82
	billTypes      = 24
	bytesPerBill   = 5
	identityLength = 34
)

// isStatus says whether a is an answer to POLL. The bill table and the identity
// are not taken for one: their first byte may be any.
func isStatus(a []byte) bool {
	if len(a) == 0 {
		return false
	}
	switch s := a[0]; {
	case s == stBusy, s == stRejecting, s == stFailure, s == stEscrow, s == stStacked, s == stReturned:
		return len(a) == 2
	case s >= stPowerUp && s <= stAccepting, s >= stStacking && s <= stHolding, s >= stFull && s <= stPause:
		return len(a) == 1
	}
	return false
}

// healthIn is what a validator is like in a state. ok is false where the state says
// nothing of it.
func healthIn(s byte) (h device.Health, ok bool) {
	switch s {
	case stPowerUp, stBillInHead, stBillTooFar, stInitialize:
		return device.Starting, true
	case stFull, stRemoved:
		return device.UserError, true
	case stJam, stCassetteJam, stFailure:
		return device.HardwareError, true
	case stPause:
		return device.Busy, true
	case stIdling, stAccepting, stStacking, stReturning, stDisabled, stHolding, stEscrow, stStacked, stReturned:
		return device.Online, true
	}
	return "", false
}

// moving says whether a bill may be on its way, or still be let in.
func moving(s byte) bool {
	switch s {
	case stIdling, stAccepting, stStacking, stReturning, stHolding, stRejecting, stEscrow, stStacked, stReturned:
		return true
	}
	return false
}

// reason is a status for the technician, as the manual writes it.
func reason(a []byte) string { return fmt.Sprintf("% X", a) }

// isTable says whether a may be the answer to BILL TABLE.
func isTable(a []byte) bool {
	return len(a) == billTypes*bytesPerBill || len(a) == 1 && (a[0] == codeNAK || a[0] == codeWrong)
}

// isIdentity says whether a may be the answer to IDENTIFICATION.
func isIdentity(a []byte) bool {
	return len(a) >= identityLength || len(a) == 1 && (a[0] == codeNAK || a[0] == codeWrong)
}

// parseTable reads the bill table: for each type a leading digit or two, a country,
// and a power of ten. A type without worth, or of less than the smallest unit, is
// no bill. countries gives the currency of a country; another stands for itself.
func parseTable(a []byte, countries map[string]string, unit int64) []device.Denom {
	out := make([]device.Denom, billTypes)
	for i := range out {
		r := a[i*bytesPerBill : (i+1)*bytesPerBill]
		v, exp := int64(r[0])*unit, r[4]
		for range exp & 0x7F {
			if exp&0x80 != 0 {
				if v%10 != 0 {
					v = 0
				}
				v /= 10
			} else if v *= 10; v > maxWorth {
				v = 0
			}
		}
		country := string(r[1:4])
		currency, ok := countries[country]
		if !ok {
			currency = country
		}
		if v > 0 {
			out[i] = device.Denom{Currency: currency, Value: v}
		}
	}
	return out
}

// maxWorth is more than any bill has, in the smallest unit: above it a table is
// damaged.
const maxWorth = 1e12
