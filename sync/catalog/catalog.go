// Package catalog is the state register of services as data: which services
// there are, what each asks, by which act, in which term, and what comes of it
// (REQUIREMENTS EG-16, EG-18; DESIGN 11; sync/spec/catalog.md).
//
// It is ground: the kiosk, its screens and the portal all read the same
// definitions, so it imports only the standard library and sync/citizen. It
// checks no signature: the signed object around a catalogue is sync/edoc/trust's.
package catalog

// Text is one text in the three languages of every screen.
type Text struct {
	TK string `json:"tk"`
	RU string `json:"ru"`
	EN string `json:"en"`
}

// In returns the text in lang ("tk", "ru" or "en"); any other language gives
// Turkmen, the state language.
func (t Text) In(lang string) string {
	switch lang {
	case "ru":
		return t.RU
	case "en":
		return t.EN
	}
	return t.TK
}

// IsZero reports whether there is no text in any language.
func (t Text) IsZero() bool { return t == Text{} }

// Catalogue is one version of the register: what a kiosk offers.
type Catalogue struct {
	Schema   string    `json:"schema"`  // "catalogue/1"
	Version  uint64    `json:"version"` // rises; a kiosk refuses an older one
	Agencies []Agency  `json:"agencies"`
	Services []Service `json:"services"`
	// Holidays are the days, YYYY-MM-DD, that are no working days although they
	// are no Saturday or Sunday.
	Holidays []string `json:"holidays,omitempty"`
}

// Agency is a body that answers requests.
type Agency struct {
	ID       string `json:"id"`
	Name     Text   `json:"name"`
	Position Text   `json:"position"` // of the addressee: «the head of …» (ED-7)
	Address  Text   `json:"address"`
}

// How a service wants the applicant identified (EG-18).
const (
	IdentifyNone = "none"     // the kiosk signs as intermediary
	IdentifyCard = "card+pin" // the citizen's card signs
)

// Whether minors may ask for a service themselves (article 30.2 of the law leaves it
// to the law of each service). A service that says nothing is for adults.
const (
	MinorsAllowed      = "allowed"
	MinorsWithGuardian = "with_guardian" // a guardian signs as well
	MinorsNo           = "no"
)

// Whether a representative may ask for it in another's place. A service that
// says nothing takes representatives whose certificate has powers for it.
const (
	RepresentAllowed = "allowed"
	RepresentNo      = "no"
)

// What a service ends in (EG-19).
const (
	ResultInformation   = "information"
	ResultEDocument     = "e-document"
	ResultCertifiedCopy = "certified-copy"
)

// Service is one state service.
type Service struct {
	Schema          string              `json:"schema"` // "service/1"
	ID              string              `json:"id"`
	Version         int                 `json:"version"`
	Kind            string              `json:"kind"`   // "information" or "interactive" (EG-15)
	Agency          string              `json:"agency"` // Agency.ID
	Field           string              `json:"field"`  // economic, legal, education, social, medical, housing (ED-51)
	Direction       string              `json:"direction"`
	Icon            string              `json:"icon"` // name of a pictogram in the sprite of ui/asset
	Title           Text                `json:"title"`
	Summary         Text                `json:"summary"`
	Regulation      Regulation          `json:"regulation"`
	TermDays        int                 `json:"term_days"` // working days until the answer
	Fee             Fee                 `json:"fee"`
	Identification  string              `json:"identification"`
	Minors          string              `json:"minors,omitempty"`          // MinorsAllowed …
	Representatives string              `json:"representatives,omitempty"` // RepresentAllowed …
	Amount          string              `json:"amount,omitempty"`          // name of the row that holds what it is about, in whole manat
	Documents       []Text              `json:"documents,omitempty"`       // what to have at hand
	Registers       []Register          `json:"registers,omitempty"`       // fetched, not asked (EG-10)
	Rules           []Rule              `json:"rules"`                     // shown and accepted before anything is asked (EP-4)
	Survey          []Row               `json:"survey"`
	Choices         map[string][]Choice `json:"choices,omitempty"`
	Result          Result              `json:"result"`
}

// Regulation is the act that fixes the service's order (dessur).
type Regulation struct {
	Title  Text   `json:"title"`
	Number string `json:"number"`
	Date   string `json:"date"` // YYYY-MM-DD
}

// Fee is what the service costs, in whole tenge (1/100 manat).
type Fee struct {
	Tenge int  `json:"tenge"`
	Note  Text `json:"note"`
}

// Register is a state register that the agency asks by itself.
type Register struct {
	ID   string `json:"id"`
	Name Text   `json:"name"`
}

// Rule is a text the applicant accepts. Accepting it is recorded in the request
// with its ID and Version (EG-14.3, EP-4, EP-14).
type Rule struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Title   Text   `json:"title"`
	Text    Text   `json:"text"`
}

// Row is one row of the survey. Its keys are XLSForm's column names.
type Row struct {
	Type              string `json:"type"` // text, integer, date, phone, select_one LIST, select_multiple LIST, note, calculate
	Name              string `json:"name"`
	Label             Text   `json:"label"`
	Hint              Text   `json:"hint"`
	Required          bool   `json:"required,omitempty"`
	Relevant          string `json:"relevant,omitempty"`
	Constraint        string `json:"constraint,omitempty"`
	ConstraintMessage Text   `json:"constraint_message"`
	Calculation       string `json:"calculation,omitempty"`
	Appearance        string `json:"appearance,omitempty"` // multiline, pictograms
	Keyboard          string `json:"keyboard,omitempty"`   // tk, ru, en, num, date, phone
	Prefill           string `json:"prefill,omitempty"`    // card.surname, card.name, card.patronymic, card.id
	MaxLength         int    `json:"max_length,omitempty"` // characters; 0 is 200
}

// Choice is one option of a list in Service.Choices.
type Choice struct {
	Name  string `json:"name"`
	Label Text   `json:"label"`
	Icon  string `json:"icon,omitempty"`
}

// Result is what the applicant gets.
type Result struct {
	Kind  string `json:"kind"`
	Title Text   `json:"title"`
	// Document says what kind of document comes of it: "certificate", "extract",
	// "registration" or "reply". What can never be an e-document (ED-10.5) has
	// names too, so that an author can say the truth and be told:
	// "inheritance-certificate", "sole-original", "paper-only".
	Document string `json:"document"`
	// Facts are what the answer states and its printed seal carries, in the
	// order of the paper. The agency fills them in when it answers.
	Facts []Fact `json:"facts,omitempty"`
}

// Fact is one line of a certified copy.
type Fact struct {
	Name    string `json:"name"`
	Label   Text   `json:"label"`
	Prefill string `json:"prefill,omitempty"` // as in Row, names of questions with spaces between them, or PrefillCode
}

// PrefillCode prefills a fact with the request's tracking code: a number that no
// other request has, for what the agency would otherwise have to number.
const PrefillCode = "request.code"

// Agency returns the agency with that id.
func (c *Catalogue) Agency(id string) (Agency, bool) {
	for _, a := range c.Agencies {
		if a.ID == id {
			return a, true
		}
	}
	return Agency{}, false
}

// Service returns the service with that id.
func (c *Catalogue) Service(id string) (*Service, bool) {
	for i := range c.Services {
		if c.Services[i].ID == id {
			return &c.Services[i], true
		}
	}
	return nil, false
}

// FieldOf returns the field of the service with that id; "" if the catalogue has
// none, or there is no catalogue.
func (c *Catalogue) FieldOf(id string) string {
	if c == nil {
		return ""
	}
	if s, ok := c.Service(id); ok {
		return s.Field
	}
	return ""
}
