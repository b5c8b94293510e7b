const char *cli_version(void); const char *cli_version(void){return TAPEDECK_VERSION;}
