# Reads JSON lines from standard input, totals them by city, renders a table, and writes files below the given directory.

require "json"
require "digest"

class Matrix2
  attr_reader :rows
  def initialize(rows) = @rows = rows
  def *(other)
    Matrix2.new(rows.map { |row| other.rows.transpose.map { |column| row.zip(column).sum { |x, y| x * y } } })
  end
  def **(power)
    return Matrix2.new([[1, 0], [0, 1]]) if power.zero?
    half = self**(power / 2)
    power.odd? ? half * half * self : half * half
  end
end

def fibonacci(n) = (Matrix2.new([[1, 1], [1, 0]])**n).rows[0][1]

out = ARGV.fetch(0)
Dir.mkdir(out)
totals = Hash.new(0r)
notes = Hash.new { |hash, key| hash[key] = [] }
$stdin.each_line do |line|
  record = JSON.parse(line)
  totals[record["city"]] += record["amount"].to_r
  notes[record["note"]] << record["id"]
end

File.open(File.join(out, "totals.txt"), "w") do |file|
  totals.sort.each { |city, total| file.printf("%-10s %12.2f\n", city, total) }
end
File.write(File.join(out, "notes.txt"), notes.sort.map { |note, ids| "#{note}: #{ids.sum} of #{ids.size}" }.join("\n"))
File.rename(File.join(out, "notes.txt"), File.join(out, "by-note.txt"))
File.binwrite(File.join(out, "packed.bin"), (0..999).map { |n| n * n }.pack("N*"))
File.symlink("totals.txt", File.join(out, "link.txt"))

sieve = Array.new(600_000, true)
(2..774).each { |n| (n * n).step(599_999, n) { |m| sieve[m] = false } if sieve[n] }
primes = (2...600_000).select { |n| sieve[n] }
squeezed = primes.each_slice(7).map(&:sum).sort_by { |n| -n }.first(3)
big = fibonacci(30000).to_s

puts "#{totals.size} cities, #{primes.size} primes, #{squeezed.inspect}, mode #{ENV["MODE"].inspect}"
puts "fibonacci(30000) has #{big.size} digits, #{big[0, 20]}…#{big[-20..]}"
puts Dir.children(out).sort.map { |name| "#{name} #{Digest::SHA256.file(File.join(out, name)).hexdigest}" }
puts "reversed: " + File.read(File.join(out, "link.txt")).lines.first.strip.reverse
begin
  File.read("/nowhere/file")
rescue SystemCallError => e
  puts e.class
end
fiber = Enumerator.produce([0, 1]) { |a, b| [b, a + b] }.lazy.map(&:first).select(&:even?).first(10)
p fiber
def deep(n) = n.zero? ? 0 : 1 + deep(n - 1)
p deep(2000)
begin
  raise ArgumentError, "expected"
rescue => e
  warn "rescued #{e.message}"
end
exit 4
