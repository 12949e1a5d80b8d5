package catalog

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of the expression language. An expression that keeps to them cannot
// make a kiosk slow or run out of stack, whoever wrote it (catalog.md, section 4).
const (
	maxSource = 1000   // bytes of one expression
	maxDepth  = 40     // nested operators, functions and parentheses
	maxSteps  = 10_000 // evaluated nodes
)

var errSteps = errors.New("more than 10000 steps")

// expr is a compiled expression.
type expr struct {
	root node
	refs []string // names in ${…}, sorted, each once
	self bool     // uses .
	now  bool     // uses today()
}

// env is what an expression may look at. There is nothing else.
type env struct {
	self  string
	get   func(name string) string
	today time.Time
	steps int
}

func (e *env) step() error {
	if e.steps++; e.steps > maxSteps {
		return errSteps
	}
	return nil
}

func (x *expr) eval(e env) (value, error) { return x.root.eval(&e) }

// node is one operator, function, name or constant.
type node interface {
	eval(e *env) (value, error)
}

type (
	constant struct{ v value }
	current  struct{}
	answer   struct{ name string }
	negate   struct{ x node }
	binary   struct {
		op   string
		x, y node
	}
	call struct {
		name string
		args []node
		re   *regexp.Regexp
	}
)

func (n constant) eval(e *env) (value, error) { return n.v, e.step() }
func (current) eval(e *env) (value, error)    { return text(e.self), e.step() }
func (n answer) eval(e *env) (value, error)   { return text(e.get(n.name)), e.step() }

func (n negate) eval(e *env) (value, error) {
	v, err := n.x.eval(e)
	if err != nil {
		return value{}, err
	}
	return number(-v.num()), e.step()
}

func (n binary) eval(e *env) (value, error) {
	if err := e.step(); err != nil {
		return value{}, err
	}
	a, err := n.x.eval(e)
	if err != nil {
		return value{}, err
	}
	// and, or: the right side is looked at only when it decides.
	if n.op == "and" && !a.bool() || n.op == "or" && a.bool() {
		return truth(a.bool()), nil
	}
	b, err := n.y.eval(e)
	if err != nil {
		return value{}, err
	}
	switch n.op {
	case "and", "or":
		return truth(b.bool()), nil
	case "=":
		return truth(equal(a, b)), nil
	case "!=":
		return truth(!equal(a, b)), nil
	case "+":
		return add(a, b), nil
	case "-":
		return sub(a, b), nil
	case "*":
		return number(a.num() * b.num()), nil
	case "div":
		return number(a.num() / b.num()), nil
	case "mod":
		return number(math.Mod(a.num(), b.num())), nil
	}
	c, ok := order(a, b)
	switch n.op {
	case "<":
		return truth(ok && c < 0), nil
	case "<=":
		return truth(ok && c <= 0), nil
	case ">":
		return truth(ok && c > 0), nil
	default: // ">=": the parser makes no other
		return truth(ok && c >= 0), nil
	}
}

// functions gives how many arguments each function takes.
var functions = map[string]int{
	"not": 1, "selected": 2, "count-selected": 1, "string-length": 1,
	"regex": 2, "today": 0, "if": 3, "coalesce": 2,
}

func (n call) eval(e *env) (value, error) {
	if err := e.step(); err != nil {
		return value{}, err
	}
	if n.name == "today" {
		return text(e.today.Format(time.DateOnly)), nil
	}
	a, err := n.args[0].eval(e)
	if err != nil {
		return value{}, err
	}
	switch n.name {
	case "not":
		return truth(!a.bool()), nil
	case "count-selected":
		return number(float64(len(strings.Fields(a.text())))), nil
	case "string-length":
		return number(float64(utf8.RuneCountInString(a.text()))), nil
	case "regex":
		return truth(n.re.MatchString(a.text())), nil
	case "coalesce":
		if a.text() != "" {
			return a, nil
		}
		return n.args[1].eval(e)
	case "if":
		if a.bool() {
			return n.args[1].eval(e)
		}
		return n.args[2].eval(e)
	default: // "selected": the parser makes no other
		b, err := n.args[1].eval(e)
		if err != nil {
			return value{}, err
		}
		return truth(slices.Contains(strings.Fields(a.text()), b.text())), nil
	}
}

// The binary operators by how tightly they bind.
var binding = map[string]int{
	"or": 1, "and": 2, "=": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4,
	"+": 5, "-": 5, "*": 6, "div": 6, "mod": 6,
}

const unaryBinding = 7

// parseExpr compiles src. Errors name the byte where it went wrong.
func parseExpr(src string) (*expr, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("expression of %d bytes, want at most %d", len(src), maxSource)
	}
	p := &parser{lexer: lexer{src: src}, out: &expr{}}
	if err := p.next(); err != nil {
		return nil, err
	}
	root, err := p.expression(0, 0)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != end {
		return nil, p.unexpected("the end")
	}
	p.out.root = root
	slices.Sort(p.out.refs)
	p.out.refs = slices.Compact(p.out.refs)
	return p.out, nil
}

type parser struct {
	lexer
	tok lexeme
	out *expr
}

func (p *parser) next() (err error) {
	p.tok, err = p.lex()
	return err
}

func (p *parser) unexpected(want string) error {
	got := "the end"
	if p.tok.kind != end {
		got = fmt.Sprintf("%q", p.tok.text)
	}
	return fmt.Errorf("at byte %d: got %s, want %s", p.tok.at, got, want)
}

// expression is a Pratt parser: an operand, then every operator that binds
// tighter than min.
func (p *parser) expression(min, depth int) (node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("at byte %d: more than %d levels deep", p.tok.at, maxDepth)
	}
	x, err := p.operand(depth)
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		b := 0
		if p.tok.kind == symbol || p.tok.kind == name {
			b = binding[p.tok.text]
		}
		if b == 0 || b <= min {
			return x, nil
		}
		// A chain a + b + c … grows to the left: count it as depth, too.
		if depth+n > maxDepth {
			return nil, fmt.Errorf("at byte %d: more than %d levels deep", p.tok.at, maxDepth)
		}
		op := p.tok.text
		if err := p.next(); err != nil {
			return nil, err
		}
		y, err := p.expression(b, depth+1)
		if err != nil {
			return nil, err
		}
		x = binary{op, x, y}
	}
}

func (p *parser) operand(depth int) (node, error) {
	t := p.tok
	if err := p.next(); err != nil {
		return nil, err
	}
	switch {
	case t.kind == literal:
		return constant{text(t.text)}, nil
	case t.kind == digits:
		return constant{number(value{kind: 't', t: t.text}.num())}, nil
	case t.kind == reference:
		p.out.refs = append(p.out.refs, t.text)
		return answer{t.text}, nil
	case t.kind == symbol && t.text == ".":
		p.out.self = true
		return current{}, nil
	case t.kind == symbol && t.text == "-":
		x, err := p.expression(unaryBinding, depth+1)
		return negate{x}, err
	case t.kind == symbol && t.text == "(":
		x, err := p.expression(0, depth+1)
		if err != nil {
			return nil, err
		}
		return x, p.expect(")")
	case t.kind == name:
		return p.call(t, depth)
	}
	p.tok = t
	return nil, p.unexpected("an operand")
}

func (p *parser) expect(s string) error {
	if p.tok.kind != symbol || p.tok.text != s {
		return p.unexpected(fmt.Sprintf("%q", s))
	}
	return p.next()
}

func (p *parser) call(t lexeme, depth int) (node, error) {
	want, ok := functions[t.text]
	if !ok {
		return nil, fmt.Errorf("at byte %d: no function %q", t.at, t.text)
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	c := call{name: t.text}
	for p.tok.kind != symbol || p.tok.text != ")" {
		if len(c.args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		a, err := p.expression(0, depth+1)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, a)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if len(c.args) != want {
		return nil, fmt.Errorf("at byte %d: %s takes %d arguments, got %d", t.at, t.text, want, len(c.args))
	}
	switch t.text {
	case "today":
		p.out.now = true
	case "regex":
		// The pattern is fixed when the catalogue is made: an answer never becomes one.
		pat, ok := c.args[1].(constant)
		if !ok || pat.v.kind != 't' {
			return nil, fmt.Errorf("at byte %d: the pattern of regex must be a literal text", t.at)
		}
		re, err := regexp.Compile(`^(?:` + pat.v.t + `)$`)
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", t.at, err)
		}
		c.re = re
	}
	return c, nil
}
