/* A program that has hardly any file descriptors left: a state, or the reason why there is none. */
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void with_at_most(rlim_t files)
{
  struct rlimit limit;
  char why[200] = "";
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = files;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  lua_State *L = guestlua_new(NULL, why, sizeof why);
  CHECK(L || strstr(why, "file descriptors"));
  CHECK(L || files < 30);
  guestlua_free(L);
  limit.rlim_cur = before; /* the search for leaks at the end opens files */
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

int main(void)
{
  for (rlim_t files = 3; files < 60; files++) {
    int status, pid = fork();
    if (pid == 0) {
      with_at_most(files);
      exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (status != 0)
      fprintf(stderr, "with %d: status 0x%x\n", (int)files, (unsigned)status);
    CHECK(status == 0);
  }
  return 0;
}
