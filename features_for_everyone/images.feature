Feature: Images made for production
  As an operator
  I want each part of the application as a small, clean and obedient image
  so that it can run anywhere and hides nothing.

  @US1.1 @US1.2 @FR-001
  Scenario Outline: The image <image> starts by itself and answers
    When the image of the <image> is built
    And a container of it is given all that it needs
    Then it answers on its port
    And its log shows no error
    And it ends in good order within 10 seconds when it is told to stop

    Examples: each image
      | image |

  @FR-005
  Scenario Outline: The image <image> refuses to start without <variable>, and says so
    Given the image of the <image>
    When a container of it is given all that it needs except <variable>
    Then it ends at once and its log names <variable>

    Examples: each image and what it cannot do without
      | image | variable |

  @US1.2 @EC-5
  Scenario Outline: The image <image> lives when its database is away
    Given the image of the <image>
    When a container of it is given a database that is not there
    Then it lives all the same

    Examples: each image that uses the database
      | image |

  @EC-5
  Scenario Outline: The image <image> is not ready when its database is away
    Given the image of the <image>
    When a container of it is given a database that is not there
    Then it lives all the same
    And it is not ready

    Examples: each image that says of itself whether it is ready
      | image |

  @FR-010 @SC-006
  Scenario Outline: The image <image> is small
    Given the image of the <image>
    Then it takes less than <limit> MB

    Examples: each image
      | image | limit |

  @FR-010
  Scenario Outline: The image <image> runs without privileges and holds nothing but the application
    Given the image of the <image>
    Then it does not run as root
    And its process receives the signal to stop
    And none of its own layers holds tools for building, dependencies for development or tests
    And none of its own layers holds settings, keys or histories of a developer

    Examples: each image
      | image |

  @FR-005 @FR-010
  Scenario Outline: No secret is in the image <image>
    Given the image of the <image>
    Then none of the secrets of this deployment is anywhere in it
    And nothing of the private network it was built in is anywhere in it

    Examples: each image
      | image |
