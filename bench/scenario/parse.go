package scenario

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// ErrInvalid is wrapped by every error about the content of a scenario file.
var ErrInvalid = errors.New("invalid scenario")

// fileBytesMax bounds what is read: a scenario is a page, not a data set.
const fileBytesMax = 64 << 10

// Load reads and parses the file at path.
func Load(path string) (*Scenario, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > fileBytesMax {
		return nil, fmt.Errorf("%w: %s: larger than %d bytes", ErrInvalid, path, fileBytesMax)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Parse reads one scenario; name is what errors call the file.
func Parse(name string, text []byte) (*Scenario, error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("%w: %s: want exactly one document", ErrInvalid, name)
	}
	body := file.Docs[0].Body
	if err := checkKeys(body, reflect.TypeFor[Scenario](), ""); err != nil {
		return nil, fmt.Errorf("%w: %s:%w", ErrInvalid, name, err)
	}
	s := defaults()
	if err := yaml.UnmarshalWithOptions(text, &s, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &s, nil
}

// checkKeys compares the keys of a mapping with the yaml tags of t. The decoder's own strict mode
// reports the first unknown key as well, but not which keys there are.
func checkKeys(node ast.Node, t reflect.Type, within string) error {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		line := node.GetToken().Position.Line
		return fmt.Errorf("%d: %s: want a mapping of keys to values", line, orTop(within))
	}
	fields, valid := map[string]reflect.Type{}, []string{}
	for field := range t.Fields() {
		tag := field.Tag.Get("yaml")
		if tag == "-" {
			continue
		}
		fields[tag], valid = field.Type, append(valid, tag)
	}
	for _, v := range values {
		key := v.Key.GetToken().Value
		field, ok := fields[key]
		if !ok {
			slices.Sort(valid)
			return fmt.Errorf("%d: unknown key %q in %s; valid keys: %s",
				v.Key.GetToken().Position.Line, key, orTop(within), strings.Join(valid, ", "))
		}
		if field.Kind() == reflect.Struct {
			if err := checkKeys(v.Value, field, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func orTop(within string) string {
	if within == "" {
		return "the file"
	}
	return within
}
