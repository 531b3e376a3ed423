package explain

import (
	"bytes"
	"crypto/rsa"
	"math/big"
	"runtime"
	"strings"
	"testing"

	"oss-callback/function/callback"
)

// allocated runs f and returns how many bytes it took.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Six kilobytes of brackets once took 1.6 GB, and a query of 58 KB five seconds.
func TestHostileCapturesAreCheap(t *testing.T) {
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}" }
	wide := `{"a":` + strings.Repeat("[", maxNesting-1) + strings.Repeat("1,", maxPieces/2-maxNesting-4) + "1" + strings.Repeat("]", maxNesting-1) + "}"
	params := "/x?" + strings.TrimSuffix(strings.Repeat("%E4%BD%A0+=%2f&", 64), "&")
	for name, s := range map[string]sent{
		"deep JSON":       goldenJSON().with(body(deep(3000))),
		"endless JSON":    goldenJSON().with(body(`{"a":[` + strings.Repeat("1,", 30_000) + "1]}")),
		"deepest JSON":    goldenJSON().with(body(deep(9990))),
		"wide JSON":       goldenJSON().with(body(wide)),
		"long query":      goldenForm().with(to("/x?" + strings.Repeat("%E4&", maxTarget/4-2))),
		"64 parameters":   goldenForm().with(to(params)),
		"many pairs":      goldenForm().with(body(strings.Repeat("a=%2F&", callback.MaxBody/6))),
		"path of slashes": goldenForm().with(to(strings.Repeat("/", maxTarget-1))),
	} {
		t.Run(name, func(t *testing.T) {
			c := read1(t, s.raw("\n", ""))
			const most = 512 << 20 // altogether, and collected on the way
			if n := allocated(func() { explain1(t, c, Options{URL: "/y?z"}) }); n > most {
				t.Errorf("%d MB", n>>20)
			}
		})
	}
}

func TestNestingIsBounded(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	if _, ok := membersOf(nested(maxNesting)); !ok {
		t.Errorf("a depth of %d is refused", maxNesting)
	}
	if _, ok := membersOf(nested(maxNesting + 1)); ok {
		t.Errorf("a depth of %d is taken", maxNesting+1)
	}
}

func TestPiecesAreBounded(t *testing.T) {
	list := func(n int) string { return `{"a":[` + strings.TrimSuffix(strings.Repeat("1,", n), ",") + "]}" }
	if _, ok := membersOf(list(maxPieces/2 - 3)); !ok {
		t.Error("a short list is refused")
	}
	if _, ok := membersOf(list(maxPieces / 2)); ok {
		t.Error("a long list is taken")
	}
	var set variants
	addForms(strings.TrimSuffix(strings.Repeat("a=%2F&", maxPieces+1), "&"), &set)
	if len(set.list) > 0 {
		t.Errorf("%d spellings of a form of too many parameters", len(set.list))
	}
}

func TestHashingIsBounded(t *testing.T) {
	signer := newSigner(t)
	large := signed(t, signer, "/cb", "", "bucket=b&object="+strings.Repeat("%2F+", callback.MaxBody/4-10))
	c := read1(t, large.raw("\n", ""))
	c.Path, c.Query.Raw = "/a/b/c/another+path", "a=1&b=%20&c=+&d=4"
	r := explain1(t, c, Options{Key: []byte(signer.PublicKeyPEM())})
	if !r.LimitHit || r.Tried >= maxGuesses || r.Tried < maxHashed/callback.MaxBody/2 {
		t.Errorf("%d guesses, limit %t", r.Tried, r.LimitHit)
	}
}

func TestSmallBounds(t *testing.T) {
	if n := len(pathRules(strings.Repeat("/a", 1000))); n > 2*maxSegments+10 {
		t.Errorf("%d readings of a path of a thousand segments", n)
	}
	for n, want := range map[int]int{maxSubsets: 1<<maxSubsets - 1, maxSubsets + 1: 3 * (maxSubsets + 1), maxParams: 3 * maxParams, maxParams + 1: 0} {
		if got := len(choices(n)); got != want {
			t.Errorf("%d choices of %d parameters, want %d", got, n, want)
		}
	}
}

// With an exponent of 1 a signature is the block itself, so that any block can be made.
func TestOpenSignatureIsStrict(t *testing.T) {
	block := func(size, padding int) []byte {
		b := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, padding)...)
		b = append(append(append(b, 0), md5Info...), bytes.Repeat([]byte{7}, 16)...)
		return append(b, make([]byte, size-len(b))...)
	}
	key := func(size int) *rsa.PublicKey {
		n := new(big.Int).Lsh(big.NewInt(1), uint(size*8-1))
		return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 1}
	}
	const overhead = 2 + 1 + 18 + 16
	good := block(64, 64-overhead)
	if _, ok := openSignature(key(64), good); !ok {
		t.Error("a good block is refused")
	}
	beyond := new(big.Int).Add(new(big.Int).SetBytes(good), key(64).N).Bytes()
	if len(beyond) != 64 {
		t.Fatal("the test is wrong")
	}
	if _, ok := openSignature(key(64), beyond); ok {
		t.Error("a signature beyond the modulus is taken, which no verifier does")
	}
	if _, ok := openSignature(key(64), block(64, 64-overhead-1)); ok {
		t.Error("a digest that ends early is taken")
	}
	if _, ok := openSignature(key(overhead+8), block(overhead+8, 8)); !ok {
		t.Error("a padding of 8 is refused")
	}
	for size := 30; size < overhead+8; size++ {
		b := make([]byte, size)
		if size >= overhead {
			b = block(size, size-overhead)
		}
		if _, ok := openSignature(key(size), b); ok {
			t.Errorf("a key of %d bytes is taken", size)
		}
	}
}
