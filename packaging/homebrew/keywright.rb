class Keywright < Formula
  desc "Provisions FIDO2 security keys in batches and keeps the register of who holds which"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    url "@DOWNLOADS@/keywright-@VERSION@-aarch64-apple-darwin.tar.gz"
    sha256 "@SHA256:aarch64-apple-darwin.tar.gz@"
  end

  on_linux do
    url "@DOWNLOADS@/keywright-@VERSION@-x86_64-unknown-linux-gnu.tar.gz"
    sha256 "@SHA256:x86_64-unknown-linux-gnu.tar.gz@"
  end

  def install
    bin.install "keywright"
    man1.install Dir["man/man1/*.1"]
    man7.install Dir["man/man7/*.7"]
    bash_completion.install "completions/keywright.bash" => "keywright"
    zsh_completion.install "completions/keywright.zsh" => "_keywright"
    fish_completion.install "completions/keywright.fish"
    pkgshare.install "profiles"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/keywright --version")
    system bin/"keywright", "rehearse", "--people", "1"
  end
end
