-- What is installed, used from where it was installed; and that it goes away again.

local busted = require("busted")
local helper = require("spec.support.helper")

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null")
end

local function needs(...)
  for _, program in ipairs({ ... }) do
    if not has(program) then
      pending(program .. " is not installed")
    end
  end
end

local directory, root
setup(function()
  directory = os.tmpname()
  os.remove(directory)
  os.execute("mkdir " .. directory)
  root = directory .. "/root"
end)
teardown(function()
  os.execute("rm -rf " .. directory)
end)

-- What is installed is what was built: the specs do not build.
local function make(target, prefix, destdir)
  local code, out, err = helper.run(("env -u MAKEFLAGS -u MFLAGS make -o all %s PREFIX=%s DESTDIR=%s"):format(target, prefix, destdir or ""))
  assert.same({ 0, "" }, { code, err }, out)
end

-- Every file and link below it, sorted.
local function files(below)
  local list = {}
  for path in io.popen(("cd %s && find . ! -type d | LC_ALL=C sort"):format(below)):lines() do
    list[#list + 1] = path:sub(2)
  end
  return list
end

local function succeeds(command)
  local code, out, err = helper.run(command)
  assert.same({ 0, "" }, { code, err }, command)
  return out
end

describe("make install", function()
  local plain = helper.interpreter == "build/guestlua"

  setup(function()
    if plain then
      make("install", root)
    end
  end)

  local function it(name, fn) -- luacheck: ignore
    busted.it(name, function()
      if not plain then
        pending("only what build/ has is installed")
      end
      fn()
    end)
  end

  it("puts everything in its place", function()
    local there = {}
    for _, path in ipairs(files(root)) do
      there[path] = true
    end
    for _, path in ipairs({
      "/bin/guestlua", "/lib/libguestlua.so", "/lib/libguestlua.so.0", "/lib/libguestlua.a", "/lib/pkgconfig/guestlua.pc", "/include/guestlua.h",
      "/lib/lua/5.4/guestlua.so", "/share/man/man1/guestlua.1", "/share/bash-completion/completions/guestlua", "/share/zsh/site-functions/_guestlua",
      "/share/guestlua/types/guestlua.lua", "/share/doc/guestlua/manual.md", "/share/doc/guestlua/reference/Guest.md",
      "/share/doc/guestlua/examples/snapshot_then_commit.lua", "/share/doc/guestlua/examples/embed/policy.c",
      "/share/ansible/collections/ansible_collections/guestlua/guestlua/plugins/modules/guest.py",
    }) do
      assert.is_true(there[path], path)
    end
    for path in io.popen("find examples -type f"):lines() do
      assert.is_true(there["/share/doc/guestlua/" .. path], path)
    end
  end)

  it("goes below DESTDIR, and uninstall leaves what was there before and nothing else", function()
    local staged, before = directory .. "/staged", { "/usr/bin/other", "/usr/share/doc/guestlua/own" }
    succeeds(("mkdir -p %s/usr/bin %s/usr/share/doc/guestlua"):format(staged, staged))
    succeeds(("touch %s%s %s%s"):format(staged, before[1], staged, before[2]))
    make("install", "/usr", staged)
    local installed = files(staged)
    assert.equal(#files(root) + #before, #installed)
    for _, path in ipairs(installed) do
      assert.matches("^/usr/", path)
    end
    assert.not_matches(staged, io.open(staged .. "/usr/lib/pkgconfig/guestlua.pc"):read("a"))
    make("uninstall", "/usr", staged)
    assert.same(before, files(staged))
    make("uninstall", "/usr", staged) -- once more is harmless
  end)

  it("has a command that runs", function()
    assert.equal("test\n", succeeds(root .. [[/bin/guestlua -e 'print(guestlua.open("test:///default"):guest("test").name)']]))
  end)

  it("has a library that pkg-config knows, shared and static", function()
    needs("gcc", "pkg-config")
    local flags = ("env PKG_CONFIG_PATH=%s/lib/pkgconfig pkg-config"):format(root)
    local version = io.open("src/guestlua.h"):read("a"):match('GUESTLUA_VERSION "([%d.]+)"')
    assert.equal(version .. "\n", succeeds(flags .. " --modversion guestlua"))
    local example = root .. "/share/doc/guestlua/examples/embed/policy"
    local policy = ("test:///default %s.lua"):format(example)
    succeeds(("gcc -Wall -o %s/shared %s.c $(%s --cflags --libs guestlua)"):format(directory, example, flags))
    local result = { 1, "test: 8192 MiB of memory, more than 4096\n", "" }
    assert.same(result, { helper.run(("env LD_LIBRARY_PATH=%s/lib %s/shared %s"):format(root, directory, policy)) })
    assert.matches(root .. "/lib/libguestlua.so.0", succeeds(("env LD_LIBRARY_PATH=%s/lib ldd %s/shared"):format(root, directory)), 1, true)
    local rest = ("$(%s --static --libs guestlua | sed 's/-lguestlua//')"):format(flags)
    succeeds(("gcc -Wall -o %s/static %s.c $(%s --cflags guestlua) %s/lib/libguestlua.a %s"):format(directory, example, flags, root, rest))
    assert.not_matches("libguestlua", succeeds(("ldd %s/static"):format(directory)))
    assert.same(result, { helper.run(("%s/static %s"):format(directory, policy)) })
  end)

  it("is enough for the program in README.md, built as it says", function()
    needs("gcc", "pkg-config")
    local text = io.open("README.md"):read("a")
    local file = assert(io.open(directory .. "/program.c", "w"))
    file:write((text:match("```c\n(.-)```")))
    file:close()
    local command = text:match("\n    (cc [^\n]+)")
    succeeds(("sh -c %s"):format(helper.quoted(("cd %s && export PKG_CONFIG_PATH=%s/lib/pkgconfig && %s"):format(directory, root, command))))
    assert.equal("1\n", succeeds(("env LD_LIBRARY_PATH=%s/lib %s/program"):format(root, directory)))
  end)

  it("has a module for require", function()
    needs("lua5.4")
    local lua = ("env LUA_CPATH='%s/lib/lua/5.4/?.so' lua5.4 "):format(root)
    assert.equal("test\truns\n", succeeds(lua .. root .. "/share/doc/guestlua/examples/embed/stock.lua test:///default"))
  end)

  it("has what the rock is built against", function()
    needs("luarocks", "lua5.4", "gcc")
    local rocks = directory .. "/rocks"
    local code, out, err = helper.run(("env -u MAKEFLAGS make rock ROCK_FLAGS='--tree %s GUESTLUA_DIR=%s' HOME=%s"):format(rocks, root, directory))
    assert.equal(0, code, out .. err)
    local lua = ("env LD_LIBRARY_PATH=%s/lib LUA_CPATH='%s/lib/lua/5.4/?.so' lua5.4 "):format(root, rocks)
    assert.equal("test\truns\n", succeeds(lua .. "examples/embed/stock.lua test:///default"))
  end)
end)

describe("make collection", function()
  it("makes what ansible-galaxy installs, of the same version", function()
    needs("ansible-galaxy")
    local settings = ("env ANSIBLE_HOME=%s/ansible ANSIBLE_COLLECTIONS_PATH=%s/collections "):format(directory, directory)
    local version = io.open("src/guestlua.h"):read("a"):match('GUESTLUA_VERSION "([%d.]+)"')
    succeeds(settings .. "env -u MAKEFLAGS -u MFLAGS make collection")
    local tarball = ("build/guestlua-guestlua-%s.tar.gz"):format(version)
    succeeds(settings .. ("ansible-galaxy collection install --offline -p %s/collections %s"):format(directory, tarball))
    assert.matches("guestlua.guestlua " .. version, succeeds(settings .. "ansible-galaxy collection list guestlua.guestlua"), 1, true)
    succeeds(settings .. "ansible-galaxy collection verify --offline guestlua.guestlua")
    assert.equal(0, (helper.run(settings .. "ansible-playbook --syntax-check -i localhost, -e target=localhost guestlua.guestlua.rolling_reboot")))
  end)
end)

describe("make deb", function()
  it("makes five packages that lintian has no errors against", function()
    needs("dh", "lintian", "dpkg-buildpackage")
    -- what the compiler could do better takes half of the time, and shows nothing here
    local code, out, err = helper.run("env -u MAKEFLAGS -u MFLAGS DEB_CFLAGS_APPEND='-O1 -g0' packaging/debian/build " .. directory .. "/deb")
    assert.equal(0, code, out .. err)
    local function contents(package)
      return succeeds(("dpkg-deb --contents %s/deb/%s_*.deb"):format(directory, package))
    end
    local has_files = {
      ["guestlua"] = { "/usr/bin/guestlua\n", "/usr/share/man/man1/guestlua.1.gz\n", "/usr/share/doc/guestlua/manual.md" },
      ["libguestlua0"] = { "/usr/lib/[^/]+/libguestlua.so.0 " },
      ["libguestlua-dev"] = { "/usr/include/guestlua.h\n", "/libguestlua.a\n", "/libguestlua.so ", "/guestlua.pc\n", "/examples/embed/policy.c" },
      ["ansible-collection-guestlua"] = { "/usr/share/ansible/collections/ansible_collections/guestlua/guestlua/plugins/inventory/guests.py\n" },
      ["lua-guestlua"] = { "/usr/lib/[^/]+/lua/5.4/guestlua.so\n" },
    }
    for package, paths in pairs(has_files) do
      local list = contents(package)
      for _, path in ipairs(paths) do
        assert.matches(path, list)
      end
    end
    local function depends(package)
      return succeeds(("dpkg-deb --field %s/deb/%s_*.deb Depends"):format(directory, package))
    end
    assert.matches("libreadline", depends("guestlua"))
    assert.not_matches("libreadline", depends("libguestlua0"))
    assert.not_matches("liblua", depends("lua-guestlua"))
    assert.equal("ansible-core\n", depends("ansible-collection-guestlua"))
    for _, package in ipairs({ "libguestlua0 %(=", "liblua5.4%-dev", "libvirt%-dev" }) do
      assert.matches(package, depends("libguestlua-dev"))
    end
  end)
end)

describe("make dist", function()
  -- A copy of the tree as a checkout of another day has it: other times, other modes; that of the changelog is the release's.
  local function copy(name, mode)
    local to = directory .. "/" .. name
    local script = ("mkdir -p %s && tar -c --exclude=./build --exclude=./.git . | tar -x -C %s && chmod -R %s %s && find %s ! -name CHANGELOG.md "
      .. "-exec touch -h {} +"):format(to, to, mode, to, to)
    local code, _, err = helper.run("sh -c " .. helper.quoted(script))
    assert.equal(0, code, err)
    code, _, err = helper.run(("env -u MAKEFLAGS -u MFLAGS GIT_DIR=/nonexistent make -C %s dist"):format(to))
    assert.equal(0, code, err)
    return to
  end

  it("packs the same bytes each time, wherever", function()
    local one, two = copy("one", "u+rwX"), copy("two", "g+w,o-r")
    local script = "sh -c 'cmp %s/build/guestlua-*.tar.gz %s/build/guestlua-*.tar.gz && tar tzf %s/build/guestlua-*.tar.gz'"
    local code, out = helper.run(script:format(one, two, one))
    assert.equal(0, code, out)
    for _, path in ipairs({ "src/guestlua.h", "lua/guestlua/init.lua", "README.md", "packaging/debian/rules", "bootstrap" }) do
      assert.matches("guestlua%-%d+%.%d+%.%d+/" .. path:gsub("%p", "%%%0") .. "\n", out)
    end
    assert.is_nil(out:find("/build/[^/]*%.o", 1))
  end)
end)

describe("The Debian package of the library", function()
  it("lists the symbols that the library has", function()
    needs("nm")
    local code, out = helper.run("sh -c 'nm -D --defined-only build/libguestlua.so | grep -v \" _\"'")
    assert.equal(0, code)
    local has_symbol, listed = {}, 0
    for name in out:gmatch(" %u ([%w_]+)") do
      has_symbol[name] = true
    end
    local file <close> = assert(io.open("packaging/debian/libguestlua0.symbols"))
    for name in file:read("a"):gmatch("\n ([%w_]+)@Base ") do
      assert.is_truthy(has_symbol[name], name)
      has_symbol[name], listed = nil, listed + 1
    end
    assert.is_true(listed >= 20)
    assert.is_nil(next(has_symbol))
  end)
end)
