-- Standard error as a terminal. Its lowest lines may be progress lines: they are removed before anything else is written to the terminal, and
-- drawn again after it. For that print, io.write and file:write are replaced when the first line is shown, or by protect().

local core = require("guestlua.core")

local LONGEST_TAIL = 2000

local stderr = io.stderr

local screen = {}

-- The width of a text in columns, and the text cut to a width.
function screen.width(text)
  text = text:match("[^\r]*$"):gsub("\27%[[%d;?]*%a", "")
  local column = 0
  for part, tab in text:gmatch("([^\t]*)(\t?)") do
    column = column + (utf8.len(part) or #part)
    column = tab == "" and column or column // 8 * 8 + 8
  end
  return column
end

function screen.cut(text, columns)
  if screen.width(text) <= columns then
    return text
  end
  return text:sub(1, (utf8.len(text) and utf8.offset(text, columns + 1) or columns + 1) - 1)
end

local painter -- function(columns, rows): the lines to show below
local drawn = {} -- the widths of the lines now shown
local tail = "" -- the script's output since its last line feed: it stands above our lines, and is written again when they are removed
local last_drawn = -math.huge

-- The number of terminal rows for a text of that width. The terminal may have become narrower since it was written.
local function rows(columns, wide)
  return math.max((wide + columns - 1) // columns, 1)
end

-- The sequence that removes our lines, and leaves the cursor at the start of the script's unfinished line.
local function erasure(columns)
  local up = tail ~= "" and rows(columns, screen.width(tail)) or 0
  for _, wide in ipairs(drawn) do
    up = up + rows(columns, wide)
  end
  if #drawn == 0 and up > 0 then
    up = up - 1 -- the cursor is in the unfinished line itself
  end
  drawn = {}
  return "\r" .. (up > 0 and ("\27[%dA"):format(up) or "") .. "\27[J"
end

-- Our lines, below the script's unfinished one.
local function lines(columns, height)
  local list = painter and painter(columns - 1, math.max(height - 2, 1)) or {}
  if #list == 0 then
    return ""
  end
  for i, line in ipairs(list) do
    drawn[i] = screen.width(line)
  end
  return (tail ~= "" and "\n" or "") .. table.concat(list, "\n") .. "\n"
end

local above -- takes a text and returns whether it did: the prompt, which shows it above its line

local function put(file, text)
  if not above or not above(text) then
    core.write_whole(file, text)
  end
end

-- Draws again, with a permanent line above if there is one.
function screen.draw(line)
  local columns, height = core.columns(stderr)
  if columns then
    local before = erasure(columns)
    put(stderr, before .. (line and screen.cut(line, columns) .. "\n" or "") .. tail .. lines(columns, height))
  end
  last_drawn = core.now()
end

local terminals = setmetatable({}, { __mode = "k" })
function screen.is_terminal(file)
  if terminals[file] == nil then
    terminals[file] = io.type(file) == "file" and core.isatty(file)
  end
  return terminals[file] and io.type(file) == "file"
end

local function joined(separator, ...)
  local parts = table.pack(...)
  for i = 1, parts.n do
    parts[i] = tostring(parts[i])
  end
  return table.concat(parts, separator)
end

-- Calls write(file, …), which writes to the terminal, with our lines removed meanwhile.
local function aside(write, file, ...)
  local text, visible = joined("", ...), #drawn > 0
  if visible then
    put(stderr, erasure((core.columns(stderr))) .. tail)
  end
  local results = above and above(text) and { file, n = 1 } or table.pack(write(file, ...))
  tail = text:find("\n", 1, true) and text:match("[^\n]*$") or tail .. text
  if #tail > LONGEST_TAIL then
    tail = ""
    put(file, "\n")
  end
  file:flush()
  if visible then
    screen.draw()
  end
  return table.unpack(results, 1, results.n)
end

-- The error of the library's own function, which would point to this module.
local function check_writable(...)
  for i = 1, select("#", ...) do
    local kind = type((select(i, ...)))
    if kind ~= "string" and kind ~= "number" then
      error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, kind), 3)
    end
  end
end

local protected = false
function screen.protect()
  if protected or not screen.is_terminal(stderr) and not screen.is_terminal(io.stdout) then
    return
  end
  protected = true
  local methods = getmetatable(stderr).__index
  local write, stdout, output = methods.write, io.stdout, io.output
  methods.write = function(file, ...)
    if not screen.is_terminal(file) then
      return write(file, ...)
    end
    check_writable(...)
    return aside(write, file, ...)
  end
  io.write = function(...) -- luacheck: ignore 122
    check_writable(...)
    return output():write(...)
  end
  print = function(...) -- luacheck: ignore 121
    stdout:write(joined("\t", ...) .. "\n")
  end
end

-- Sets the function that makes the lines below the output.
function screen.paint(fn)
  painter = fn
end

-- Seconds since they were drawn.
function screen.age()
  return core.now() - last_drawn
end

-- For the prompt. Output to the terminal goes to take(text) first, which returns whether it took it.
function screen.above(take)
  screen.protect()
  above = take
end

-- Leaves the lines where they are, and draws below later output: the user typed a line, which is not ours.
function screen.leave()
  drawn, tail = {}, ""
end

-- Writes a text in one piece, and on a terminal above the lines.
function screen.write(file, text)
  if screen.is_terminal(file) then
    aside(core.write_whole, file, text)
  else
    core.write_whole(file, text)
  end
end

return screen
