-- Arguments: output file, then numbers. Reads lines of standard input.
local out_name, numbers = arg[1], {}
for i = 2, #arg do numbers[#numbers + 1] = assert(tonumber(arg[i])) end

-- The queens problem, counting solutions.
local function queens(n)
  local columns, up, down, count = {}, {}, {}, 0
  local function place(row)
    if row > n then count = count + 1 return end
    for c = 1, n do
      if not (columns[c] or up[row + c] or down[row - c]) then
        columns[c], up[row + c], down[row - c] = true, true, true
        place(row + 1)
        columns[c], up[row + c], down[row - c] = nil, nil, nil
      end
    end
  end
  place(1)
  return count
end

local words = {}
for line in io.lines() do
  for word in line:gmatch("%a+") do
    word = word:lower()
    words[word] = (words[word] or 0) + 1
  end
end
local sorted = {}
for word, count in pairs(words) do sorted[#sorted + 1] = { word, count } end
table.sort(sorted, function(a, b) if a[2] ~= b[2] then return a[2] > b[2] end return a[1] < b[1] end)

local out = assert(io.open(out_name, "w"))
for i = 1, math.min(20, #sorted) do out:write(("%-12s %d\n"):format(sorted[i][1], sorted[i][2])) end
for _, n in ipairs(numbers) do out:write(("queens(%d) = %d\n"):format(n, queens(n))) end
out:close()
os.rename(out_name, out_name .. ".done")

-- Errors thrown and caught through coroutines, fifty thousand times.
local caught = 0
for i = 1, 50000 do
  local thread = coroutine.wrap(function(x)
    local ok, e = pcall(function() error({ code = coroutine.yield(x) }) end)
    return ok, e.code
  end)
  thread(i)
  local ok, code = thread(i % 7)
  if not ok then caught = caught + code end
end
print(("caught %d, mode %s, %d words"):format(caught, os.getenv("MODE"), #sorted))

local parts, value = {}, 0.5
for i = 1, 200000 do
  value = 3.9 * value * (1 - value)
  parts[#parts + 1] = string.pack("<d", value)
end
local blob = table.concat(parts)
local sum = 0
for i = 1, #blob do sum = (sum * 31 + blob:byte(i)) % 4294967296 end
print(("%d bytes, checksum %08x, %.17g, %s"):format(#blob, sum, value, pcall(load("return 1 // 0"))))
