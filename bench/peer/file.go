package peer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"flashstore/bench/target"
)

// ErrInvalid is wrapped by every error about the content of a peer file.
var ErrInvalid = errors.New("invalid peer file")

// Contract is what a 200 of a PUT is worth.
type Contract string

// The contracts.
const (
	Strict  Contract = "strict"  // synced before it is answered
	Relaxed Contract = "relaxed" // a power cut may lose it
	Unknown Contract = "unknown"
)

// File is a peer file. Texts of args, env, files and setup may hold the words of target.Foreign.
type File struct {
	Schema      int               `yaml:"schema"`
	Name        string            `yaml:"name"`
	Binary      string            `yaml:"binary"` // a path, or a name that is looked up in PATH
	Args        []string          `yaml:"args"`
	Env         []string          `yaml:"env"`
	Health      string            `yaml:"health"`
	Credentials Credentials       `yaml:"credentials"`  // empty: made for the leg
	AckContract Contract          `yaml:"ack_contract"` // as its maker says; what counts is measured
	Drives      int               `yaml:"drives"`       // of ours too
	Parity      int               `yaml:"parity"`       // of ours too; 0 for those that cannot
	Region      string            `yaml:"region"`
	TLS         bool              `yaml:"tls"`
	GetOnly     bool              `yaml:"get_only"`
	Files       map[string]string `yaml:"files"`
	Setup       [][]string        `yaml:"setup"`
}

// Credentials that a server has whatever it is told.
type Credentials struct {
	AccessKey string `yaml:"access_key"`
	SecretKey string `yaml:"secret_key"`
}

// fileBytesMax bounds what is read.
const fileBytesMax = 64 << 10

// Load reads a peer file. Errors about its content wrap ErrInvalid.
func Load(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Parse reads a peer file; name is what errors call it.
func Parse(name string, text []byte) (*File, error) {
	if len(text) > fileBytesMax {
		return nil, fmt.Errorf("%w: %s: larger than %d bytes", ErrInvalid, name, fileBytesMax)
	}
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
	}
	if len(doc.Docs) != 1 {
		return nil, fmt.Errorf("%w: %s: %d documents; want one", ErrInvalid, name, len(doc.Docs))
	}
	f := File{Drives: 4, Parity: 2, AckContract: Unknown}
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
	}
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
	}
	return &f, nil
}

func (f *File) validate() error {
	switch {
	case f.Schema != 1:
		return fmt.Errorf("schema: %d; this program reads 1", f.Schema)
	case f.Name == "" || strings.ContainsAny(f.Name, " /\n"):
		return fmt.Errorf("name: %q; want a word", f.Name)
	case f.Binary == "":
		return errors.New("binary: empty; say which program to start")
	case !slices.Contains([]Contract{Strict, Relaxed, Unknown}, f.AckContract):
		return fmt.Errorf("ack_contract: %q; valid: strict, relaxed, unknown", f.AckContract)
	case f.Drives < 1 || f.Drives > 64 || f.Parity < 0 || f.Parity > f.Drives/2:
		return fmt.Errorf("drives, parity: %d, %d; want 1 to 64, and 0 to half of them", f.Drives,
			f.Parity)
	case f.TLS:
		return errors.New("tls: peers are measured over plain HTTP on loopback")
	case f.Health != "" && !strings.HasPrefix(f.Health, "/"):
		return fmt.Errorf("health: %q; want a path that begins with /, or nothing", f.Health)
	case (f.Credentials.AccessKey == "") != (f.Credentials.SecretKey == ""):
		return errors.New("credentials: want both keys, or neither")
	}
	if err := f.validateTexts(); err != nil {
		return err
	}
	return f.validateWords()
}

// ownFile matches what a leg itself keeps in the folder of a server's files.
const ownFile = `^(d[0-9]+|www|server\.log|setup\.log|set-up|\.\.?)$`

func (f *File) validateTexts() error {
	own := regexp.MustCompile(ownFile)
	for name := range f.Files {
		if name == "" || name != filepath.Base(name) || name == "/" {
			return fmt.Errorf("files: %q; want a name without a folder", name)
		}
		if own.MatchString(name) {
			return fmt.Errorf("files: %q is a name that the leg itself uses; take another", name)
		}
	}
	for _, variable := range f.Env {
		if name, _, ok := strings.Cut(variable, "="); !ok || name == "" {
			return fmt.Errorf("env: %q; want NAME=VALUE", variable)
		}
	}
	for i, command := range f.Setup {
		if len(command) == 0 || command[0] == "" {
			return fmt.Errorf("setup: command %d is empty", i+1)
		}
	}
	return nil
}

// wordInBraces matches what target.Foreign might replace; a $ before it makes it a shell's own.
const wordInBraces = `\$?\{[a-z][a-z0-9_]*\}`

// validateWords finds a word that nothing would replace: the server would get it as it is.
func (f *File) validateWords() error {
	texts := slices.Concat(f.Args, f.Env, slices.Concat(f.Setup...))
	for _, text := range f.Files {
		texts = append(texts, text)
	}
	words := regexp.MustCompile(wordInBraces)
	for _, text := range texts {
		for _, found := range words.FindAllString(text, -1) {
			name := strings.Trim(found, "{}")
			if !strings.HasPrefix(found, "$") && !slices.Contains(target.Words(), name) {
				return fmt.Errorf("unknown word %s; valid, in braces: %s", found,
					strings.Join(target.Words(), ", "))
			}
		}
	}
	return nil
}

// Hash is of all that the file says: two peers with the same one are started alike. Comments and
// the order of keys are not in it.
func (f *File) Hash() (string, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Foreign is how to start it.
func (f *File) Foreign() *target.Foreign {
	return &target.Foreign{Args: f.Args, Env: f.Env, Health: f.Health, Files: f.Files, Setup: f.Setup,
		Region: f.Region, AccessKey: f.Credentials.AccessKey, SecretKey: f.Credentials.SecretKey,
		GetOnly: f.GetOnly}
}
