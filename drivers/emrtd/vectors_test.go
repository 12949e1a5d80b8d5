package emrtd

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emrtd/curve"
	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/emrtd/sm"
	"github.com/penjire/penjire/drivers/iso7816"
	"github.com/penjire/penjire/sync/citizen"
)

// script is a chip that expects these commands.
type script struct {
	t     *testing.T
	steps [][2]string
}

func (s *script) Transmit(_ context.Context, apdu []byte) ([]byte, error) {
	if len(s.steps) == 0 {
		s.t.Fatalf("Transmit(%X): nothing more was expected", apdu)
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	if got := hexUpper(apdu); got != step[0] {
		s.t.Fatalf("Transmit(%s), want %s", got, step[0])
	}
	return unhex(s.t, step[1]), nil
}

func hexUpper(b []byte) string { return string(bytes.ToUpper([]byte(hex.EncodeToString(b)))) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

// TestBACWorkedExample is Doc 9303-11, appendix D.3 and D.4: the exchange of
// keys, and EF.COM read under them.
func TestBACWorkedExample(t *testing.T) {
	s := &script{t, [][2]string{
		{"0084000008", "4608F919887022129000"},
		{
			"008200002872C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A728",
			"46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D74499000",
		},
		{"0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800", "990290008E08FA855A5D4C50A8ED9000"},
	}}
	c := &Chip{ch: iso7816.NewChannel(s), o: Opts{random: bytes.NewReader(unhex(t, "781723860C06C2260B795240CB7049B01C19B33E32804F0B"))}}
	if err := c.bac(t.Context(), Key(citizen.NewText("L898902C<369080619406236"))); err != nil {
		t.Fatalf("bac = %v, want nil", err)
	}
	if _, err := c.do(t.Context(), iso7816.Command{Ins: insSelect, P1: 2, P2: 0x0C, Data: []byte{0x01, 0x1E}}); err != nil {
		t.Errorf("select EF.COM = %v, want nil", err)
	}
	if c.Access.String() != "BAC with 3DES and MRZ" {
		t.Errorf("Access = %v", c.Access)
	}
	if len(s.steps) > 0 {
		t.Errorf("never sent: %v", s.steps)
	}
}

// TestBACLies: an answer with a wrong code, and one that is the chip's but to
// another challenge, as one that was recorded before would be.
func TestBACLies(t *testing.T) {
	secret := citizen.NewText("L898902C<369080619406236")
	seed := sha1.Sum([]byte(secret.Reveal()))
	enc, mac := sm.TDES.Derive(seed[:16], sm.ForEncryption), sm.TDES.Derive(seed[:16], sm.ForMAC)
	sealed := func(plain string) []byte {
		out := sm.TDES.Encrypt(enc, nil, unhex(t, plain))
		return append(out, sm.TDES.MAC(mac, out)...)
	}
	chip, own, key := "4608F91988702212", "781723860C06C226", "0B4F80323EB3191CB04970CB4052790B"
	bad := sealed(chip + own + key)
	bad[3] ^= 1
	for name, v := range map[string]struct {
		answer []byte
		want   error
	}{
		"right":                {sealed(chip + own + key), nil},
		"wrong code":           {bad, sm.ErrMAC},
		"another own nonce":    {sealed(chip + "781723860C06C227" + key), device.ErrProtocol},
		"another chip's nonce": {sealed("4608F91988702213" + own + key), device.ErrProtocol},
		"short":                {sealed(chip + own), device.ErrProtocol},
	} {
		s := &script{t, [][2]string{
			{"0084000008", chip + "9000"},
			{
				"008200002872C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A728",
				hexUpper(v.answer) + "9000",
			},
		}}
		c := &Chip{ch: iso7816.NewChannel(s), o: Opts{random: bytes.NewReader(unhex(t, own+"0B795240CB7049B01C19B33E32804F0B"))}}
		if err := c.bac(t.Context(), Key(secret)); !errors.Is(err, v.want) || (err == nil) != (c.sec != nil) {
			t.Errorf("%s: bac = %v, want %v", name, err, v.want)
		}
	}
}

// TestPACEWorkedExample is Doc 9303-11, appendix G.1: generic mapping on
// brainpoolP256r1 with AES-128.
func TestPACEWorkedExample(t *testing.T) {
	for name, v := range map[string]struct{ token, answer string }{
		"as in the document": {"7C0A86083ABB9674BCE93C089000", ""},
		"another token":      {"7C0A86083ABB9674BCE93C099000", ErrPassword.Error()},
		"refused":            {"6300", ErrPassword.Error()},
	} {
		s := &script{t, [][2]string{
			{"0022C1A40F800A04007F00070202040202830101", "9000"},
			{"10860000027C0000", "7C12801095A3A016522EE98D01E76CB6B98B42C39000"},
			{
				"10860000457C438141047ACF3EFC982EC45565A4B155129EFBC74650DCBFA6362D896FC70262E0C2CC5E544552DCB6725218799115B55C9BAA6D9F6BC3A9618E70C25AF71777A9C4922D00",
				"7C43824104824FBA91C9CBE26BEF53A0EBE7342A3BF178CEA9F45DE0B70AA601651FBA3F5730D8C879AAA9C9F73991E61B58F4D52EB87A0A0C709A49DC63719363CCD13C549000",
			},
			{
				"10860000457C438341042DB7A64C0355044EC9DF190514C625CBA2CEA48754887122F3A5EF0D5EDD301C3556F3B3B186DF10B857B58F6A7EB80F20BA5DC7BE1D43D9BF850149FBB3646200",
				"7C438441049E880F842905B8B3181F7AF7CAA9F0EFB743847F44A306D2D28C1D9EC65DF6DB7764B22277A2EDDC3C265A9F018F9CB852E111B768B326904B59A0193776F0949000",
			},
			{"008600000C7C0A8508C2B0BD78D94BA86600", v.token},
		}}
		c := &Chip{ch: iso7816.NewChannel(s), o: Opts{random: bytes.NewReader(unhex(t,
			"7F4EF07B9EA82FD78AD689B38D0BC78CF21F249D953BC46F4C6E19259C010F99"+
				"A73FB703AC1436A18E0CFA5ABB3F7BEC7A070E7A6788486BEE230C4A22762595"))}}
		sec, err := lds.ParseSecurity(unhex(t, "31143012060A04007F0007020204020202010202010D"))
		if err != nil {
			t.Fatal(err)
		}
		info, ok := best(sec.PACE)
		if !ok || info.Params != 13 {
			t.Fatalf("best = %+v, %v, want parameters 13", info, ok)
		}
		err = c.pace(t.Context(), info, Key(citizen.NewText("T22000129364081251010318")))
		if (err == nil) != (v.answer == "") || err != nil && !errors.Is(err, ErrPassword) {
			t.Errorf("%s: pace = %v, want %q", name, err, v.answer)
		}
		if len(s.steps) > 0 {
			t.Errorf("%s: never sent: %v", name, s.steps)
		}
		if opened := c.sec != nil; opened != (v.answer == "") {
			t.Errorf("%s: secure messaging is %v", name, opened)
		}
	}
}

// TestIntegratedMapping is Doc 9303-11, appendix H.1: integrated mapping on
// brainpoolP256r1 with AES-128. Nonces, private keys and tokens are the
// document's; the chip's nonce is encrypted under the password of appendix G.1.
func TestIntegratedMapping(t *testing.T) {
	secret := citizen.NewText("T22000129364081251010318")
	hash := sha1.Sum([]byte(secret.Reveal()))
	nonce := sm.AES128.Encrypt(sm.AES128.Derive(hash[:], sm.ForPassword), nil, unhex(t, "2923BE84E16CD6AE529049F1F1BBE9EB"))
	const own, key = "5DD4CBFC96F5453B130D890A1CDBAE32", "A73FB703AC1436A18E0CFA5ABB3F7BEC7A070E7A6788486BEE230C4A22762595"
	cv := curve.ByID(13)
	g, err := cv.Unmarshal(unhex(t, "048E82D31559ED0FDE92A4D0498ADD3C23BABA94FB77691E31E90AEA77FB17D4274C1AE14BD0C3DBAC0C871B7F3608169364437CA30AC243A089D3F266C1E60FAD"))
	if err != nil {
		t.Fatal(err)
	}
	public := func(private string) string {
		return hexUpper(cv.Marshal(cv.Mul(new(big.Int).SetBytes(unhex(t, private)), g)))
	}
	for _, nothing := range []string{"7C00", "7C028200"} { // chips say nothing in either way
		s := &script{t, [][2]string{
			{"0022C1A40F800A04007F00070202040402830101", "9000"},
			{"10860000027C0000", "7C128010" + hexUpper(nonce) + "9000"},
			{"10860000147C128110" + own + "00", nothing + "9000"},
			{
				"10860000457C438341" + public(key) + "00",
				"7C438441" + public("107CF58696EF6155053340FD633392BA81909DF7B9706F226F32086C7AFF974A") + "9000",
			},
			{"008600000C7C0A8508450F02B86F6A090900", "7C0A860875D4D96E8D5B03089000"},
		}}
		c := &Chip{ch: iso7816.NewChannel(s), o: Opts{random: bytes.NewReader(unhex(t, own+key))}}
		info := lds.PACE{OID: []int{0, 4, 0, 127, 0, 7, 2, 2, 4, 4, 2}, Mapping: lds.Integrated, Suite: sm.AES128, Params: 13}
		if err := c.pace(t.Context(), info, Key(secret)); err != nil {
			t.Errorf("pace = %v, want nil", err)
		}
		if len(s.steps) > 0 {
			t.Errorf("never sent: %v", s.steps)
		}
	}
}

func TestFileSize(t *testing.T) {
	for head, want := range map[string]int{"6016": 24, "75824000AA": 0x4004, "7781FF0102": 0x102, "7583010000": 0x10005} {
		if got, err := fileSize(unhex(t, head)); got != want || err != nil {
			t.Errorf("fileSize(%s) = %d, %v, want %d", head, got, err, want)
		}
	}
	for _, head := range []string{"", "60", "7F6101", "6080", "608400000001", "6082", "758304000000"} {
		if n, err := fileSize(unhex(t, head)); !errors.Is(err, device.ErrProtocol) {
			t.Errorf("fileSize(%s) = %d, %v, want ErrProtocol", head, n, err)
		}
	}
}
