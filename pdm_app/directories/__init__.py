"""The company's own directories of people, as they speak: LDAP and OpenID Connect."""
