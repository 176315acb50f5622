/* analyze_tag.c - understudy analyze tag: the script for the pages, and the markup that brings it in. */
#include <stdio.h>
#include <string.h>

#include "analyze/tag.h"
#include "base/i18n.h"
#include "cli/analyze.h"
#include "cli/command.h"

enum { OPTION_INTO = OPTION_COMMAND, OPTION_AT };

static const struct option options[] = {
        {"into", required_argument, NULL, OPTION_INTO},
        { "at",  required_argument, NULL, OPTION_AT  },
        { NULL,  0,                 NULL, 0          },
};

static const char *help(void)
{
        return _("Prints the tag that each page of a site gets (before </head>), so that its views, events and links "
                 "out\n"
                 "are counted in the browser as well; and writes the script that it names.\n"
                 "\n"
                 "  --into FOLDER  writes the script to FOLDER/understudy/; FOLDER is the site's, as it is published\n"
                 "  --at PREFIX    where it is served, if not at /understudy/ "
                 "(https://stats.example.org/understudy/)\n");
}

static int print(const struct common *common, const struct tag *tag)
{
        if (common->json)
                return command_print_json(json_pack("{s:s, s:s, s:s, s:I}", "script", tag->name, "integrity",
                                                    tag->integrity, "tag", buffer_text(&tag->text), "bytes",
                                                    (json_int_t)strlen(tag_script)));
        fputs(buffer_text(&tag->text), stdout);
        return ferror(stdout) ? EXIT_FAILED : EXIT_DONE;
}

int analyze_tag(int argc, char *argv[])
{
        const char *into = NULL, *prefix = TAG_PREFIX;
        struct error error = ERROR_NONE;
        struct common common = { 0 };
        struct tag tag;
        int code, status;

        while ((code = command_option(argc, argv, &command_analyze, options, help(), &common)) != -1) {
                switch (code) {
                case OPTION_INTO: into = optarg; break;
                case OPTION_AT: prefix = optarg; break;
                default: return EXIT_USAGE;
                }
        }
        if (optind < argc)
                return command_usage(&command_analyze, _("tag takes no logs"));
        if (tag_make(prefix, &tag, &error) < 0)
                return command_fail(&error);
        status = into && tag_write(&tag, into, &error) < 0 ? command_fail(&error) : print(&common, &tag);
        tag_done(&tag);
        return status;
}
